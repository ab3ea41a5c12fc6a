//! What a room checks before anything changes: a frame is wholly accepted or wholly refused.

use super::{
    merge::check_growth,
    patch::{Patches, Refusal},
    quota::Quota,
    room::Room,
};

impl Room {
    /// From now on what would grow over the quota is refused.
    pub fn set_quota(&mut self, quota: Quota) {
        self.quota = quota;
    }

    /// Checks an edit by the server itself, so that [`super::Input::Edited`] cannot be refused.
    pub fn check_edit(&self, patches: &Patches<'_>) -> Result<(), Refusal> {
        let growth = self.check_document(patches)?;
        check_growth(growth, patches)
    }

    /// Checks the patches of a client's frame.
    pub(super) fn check_frame(
        &self,
        client: &[u8],
        document: &Patches<'_>,
        presence: &Patches<'_>,
    ) -> Result<(), Refusal> {
        let growth = self.check_document(document)?;
        // LM6: both lists together.
        let growth = growth.saturating_add(self.check_presence(client, presence)?);
        check_growth(growth, if document.is_empty() { presence } else { document })
    }

    #[inline]
    fn check_document(&self, patches: &Patches<'_>) -> Result<usize, Refusal> {
        if patches.is_empty() {
            return Ok(0);
        }
        let growth = self.document().check(patches)?;
        if !patches.is_exempt {
            self.document().check_quota(patches, &self.quota)?;
        }
        Ok(growth)
    }

    #[inline]
    fn check_presence(&self, client: &[u8], patches: &Patches<'_>) -> Result<usize, Refusal> {
        if patches.is_empty() {
            return Ok(0);
        }
        let growth = self.presence.check(client, patches)?;
        self.presence.check_quota(client, patches, &self.quota)?;
        Ok(growth)
    }
}
