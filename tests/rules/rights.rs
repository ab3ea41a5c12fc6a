//! SPEC.md section 8, as far as it is the engine's.

use heddle::engine::{Access, CloseReason, Input};

use super::table::{Asked, Table};

#[test]
fn au2_rights_change_from_the_next_frame_on() {
    let mut table = Table::with(&["alice"]);

    table.handle(Input::AccessChanged { session: 1, access: Access::ReadOnly });
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    assert_eq!(table.room.clock(), 0);

    table.handle(Input::AccessChanged { session: 1, access: Access::ReadWrite });
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    assert_eq!(table.room.clock(), 1);
}

#[test]
fn au3_a_refresh_asks_for_its_token_to_be_verified() {
    let mut table = Table::with(&["alice"]);

    table.receive(1, r#"{"type":"auth-refresh","token":"t\"1"}"#);

    assert_eq!(table.asked, [Asked::Verify(1, 1, r#""t\"1""#.into())]);
    assert_eq!(table.sent(1), [""; 0]);
}

#[test]
fn au4_a_refused_token_ends_the_session() {
    let mut table = Table::with(&["alice", "bob"]);
    table.receive(1, r#"{"type":"auth-refresh","token":"t"}"#);
    table.forget();

    table.handle(Input::TokenRefused { session: 1, attempt: 1 });

    assert_eq!(table.asked, [Asked::Close(1, CloseReason::TokenRefused), Asked::Left(1, 1)]);
    assert_eq!(table.sent(2), [r#"{"type":"clientCount","count":1}"#]);
}

#[test]
fn au5_only_the_last_refresh_sent_decides() {
    let mut table = Table::with(&["alice"]);
    for token in ["one", "two"] {
        table.receive(1, format!(r#"{{"type":"auth-refresh","token":"{token}"}}"#));
    }
    table.forget();

    table.handle(Input::TokenVerified { session: 1, attempt: 2, access: Access::ReadOnly });
    table.handle(Input::TokenVerified { session: 1, attempt: 1, access: Access::ReadWrite });
    table.handle(Input::TokenRefused { session: 1, attempt: 1 });

    assert_eq!(table.room.access(1), Some(Access::ReadOnly));
    assert_eq!(table.asked, []);
    assert!(table.room.awaits(1, 2) && !table.room.awaits(1, 1) && !table.room.awaits(7, 1));
}

#[test]
fn au9_rights_set_during_a_refresh_outlive_its_grant() {
    let mut table = Table::with(&["alice"]);
    table.receive(1, r#"{"type":"auth-refresh","token":"old"}"#);

    table.handle(Input::AccessChanged { session: 1, access: Access::ReadOnly });
    table.handle(Input::TokenVerified { session: 1, attempt: 1, access: Access::ReadWrite });
    assert_eq!(table.room.access(1), Some(Access::ReadOnly));

    table.receive(1, r#"{"type":"auth-refresh","token":"new"}"#);
    table.handle(Input::TokenVerified { session: 1, attempt: 2, access: Access::ReadWrite });
    assert_eq!(table.room.access(1), Some(Access::ReadWrite));
}

#[test]
fn au9_a_refusal_counts_whatever_was_set_during_the_refresh() {
    let mut table = Table::with(&["alice"]);
    table.receive(1, r#"{"type":"auth-refresh","token":"t"}"#);
    table.forget();

    table.handle(Input::AccessChanged { session: 1, access: Access::ReadWrite });
    table.handle(Input::TokenRefused { session: 1, attempt: 1 });

    assert_eq!(table.asked, [Asked::Close(1, CloseReason::TokenRefused), Asked::Left(1, 0)]);
}

#[test]
fn au9_rights_that_are_set_overrule_no_refresh_that_is_sent_later() {
    let mut table = Table::with(&["alice"]);
    table.handle(Input::AccessChanged { session: 1, access: Access::ReadOnly });

    table.receive(1, r#"{"type":"auth-refresh","token":"t"}"#);
    table.handle(Input::TokenVerified { session: 1, attempt: 1, access: Access::ReadWrite });

    assert_eq!(table.room.access(1), Some(Access::ReadWrite));
}

#[test]
fn au7_a_malformed_frame_is_refused_whatever_the_rights() {
    let mut table = Table::with(&["alice"]);
    table.patch(1, r#"[{"a":{"_exists":true,"s":"text"}}]"#);
    for (session, patches) in [(2, "[7]"), (3, r#"[{"a":{"s":{"__buf":1,"len":1,"runs":[]}}}]"#)] {
        table.join_readonly(session, "viewer");
        table.forget();

        table.patch(session, patches);

        assert!(table.sent(session).concat().starts_with(r#"{"type":"error""#));
        assert_eq!(
            table.asked,
            [Asked::Close(session, CloseReason::FrameRefused), Asked::Left(session, 1)]
        );
    }
}

#[test]
fn au14_who_may_not_write_changes_nothing_and_shows_nothing() {
    let both =
        r#""documentPatches":[{"a":{"_exists":true}}],"ephemeralPatches":[{"p":{"_exists":true}}]"#;
    let presence = r#""ephemeralPatches":[{"p":{"_exists":true}}]"#;
    let mut table = Table::with(&["alice", "bob"]);
    table.handle(Input::AccessChanged { session: 1, access: Access::ReadOnly });
    let before = table.snapshot();

    for content in [both, presence] {
        table.receive(1, format!(r#"{{"type":"patch","messageId":"m",{content}}}"#));
        table.receive(
            1,
            format!(r#"{{"type":"reconnect","protocolVersion":2,"lastTimestamp":9,{content}}}"#),
        );
    }

    assert_eq!(table.snapshot(), before);
    assert_eq!(table.sent(2), [""; 0]);
    assert_eq!(table.asked, []);
    table.join(3, "carol");
    assert_eq!(table.sent(3), [r#"{"type":"clientCount","count":3}"#]);
}
