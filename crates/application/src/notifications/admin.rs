//! What admins are told about changes of what matters. It is read when the mail is sent, so that no address stands in the
//! row that owes it.

use domain::ids::ApprovalId;

use super::render::MailContent;
use crate::app::App;
use crate::tx::StoreError;

impl App {
    pub(super) async fn approval_mail(
        &self,
        id: ApprovalId,
        done: bool,
        link: String,
    ) -> Result<Option<MailContent>, StoreError> {
        let Some(approval) = self.approval(id).await? else { return Ok(None) };
        let by = match approval.requested_by {
            Some(user) => self.user(user).await?.map(|user| user.email),
            None => None,
        };
        Ok(Some(MailContent::Approval {
            done,
            kind: approval.kind,
            summary: approval.summary,
            by,
            reason: approval.reason,
            expires_at: approval.expires_at,
            link,
        }))
    }
}
