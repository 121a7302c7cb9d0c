//! Everything that is kept about somebody, for themselves (SEC-59).

use domain::ids::UserId;
use serde_json::{Value, json};

use crate::app::App;
use crate::tx::StoreError;

impl App {
    /// What is kept about a user, as one JSON document. Secrets and hashes are not data about a person, and are left out.
    pub async fn export(&self, user: UserId) -> Result<Option<Value>, StoreError> {
        let document = sqlx::query_scalar!(
            r#"SELECT json_build_object(
                'account', (SELECT json_build_object('id', id, 'email', email, 'role', role, 'locale', locale,
                                                     'created_at', created_at, 'frozen_at', frozen_at,
                                                     'password_changed_at', password_changed_at,
                                                     'erasure_requested_at', erasure_requested_at)
                            FROM users WHERE id = $1),
                'second_factors', json_build_object(
                    'authenticator_app', (SELECT confirmed_at FROM totp_factors
                                          WHERE user_id = $1 AND confirmed_at IS NOT NULL),
                    'telephone', (SELECT phone_masked FROM sms_factors
                                  WHERE user_id = $1 AND confirmed_at IS NOT NULL)),
                'devices', (SELECT COALESCE(json_agg(json_build_object(
                                'user_agent', user_agent, 'network', network, 'created_at', created_at,
                                'last_used_at', last_used_at) ORDER BY id), '[]')
                            FROM known_devices WHERE user_id = $1),
                'sessions', (SELECT COALESCE(json_agg(json_build_object(
                                'user_agent', user_agent, 'network', network, 'created_at', created_at,
                                'last_used_at', last_used_at, 'ended_at', revoked_at) ORDER BY id), '[]')
                             FROM sessions WHERE user_id = $1),
                'api_keys', (SELECT COALESCE(json_agg(json_build_object(
                                'name', name, 'starts_with', shown_prefix, 'scopes', scopes, 'created_at', created_at,
                                'expires_at', expires_at, 'revoked_at', revoked_at) ORDER BY id), '[]')
                             FROM api_keys WHERE user_id = $1),
                'payments', (SELECT COALESCE(json_agg(json_build_object(
                                'id', id, 'plan_code', plan_code, 'provider', provider, 'amount', amount_minor,
                                'currency', currency, 'status', status, 'created_at', created_at,
                                'settled_at', settled_at, 'refunded', refunded_minor) ORDER BY id), '[]')
                             FROM payments WHERE user_id = $1),
                'subscriptions', (SELECT COALESCE(json_agg(json_build_object(
                                'channel', channel, 'ends_at', ends_at,
                                'periods', (SELECT COALESCE(json_agg(json_build_object(
                                                'plan_code', plan_code, 'starts_at', starts_at, 'ends_at', periods.ends_at,
                                                'state', state) ORDER BY position), '[]')
                                            FROM periods WHERE subscription_id = subscriptions.id)) ORDER BY id), '[]')
                                  FROM subscriptions WHERE user_id = $1),
                'telegram', (SELECT COALESCE(json_agg(json_build_object(
                                'account', telegram_user_id, 'bound_at', bound_at, 'ended_at', ended_at) ORDER BY id), '[]')
                             FROM bindings WHERE user_id = $1),
                'messages', (SELECT COALESCE(json_agg(json_build_object(
                                'kind', kind, 'medium', medium, 'created_at', created_at, 'sent_at', sent_at)
                                ORDER BY id), '[]')
                             FROM notifications WHERE user_id = $1),
                'events', (SELECT COALESCE(json_agg(json_build_object(
                                'at', occurred_at, 'action', action, 'by', actor_kind,
                                -- Where others acted from is their data.
                                'from', CASE WHEN actor_kind <> 'user' OR actor_id = $1::text
                                             THEN COALESCE(address, content::jsonb ->> 'address') END)
                                ORDER BY id), '[]')
                           FROM (SELECT * FROM audit_logs WHERE user_id = $1 ORDER BY id DESC LIMIT 10000) AS recent
                           LEFT JOIN audit_personal ON entry_id = id)
               ) AS "document!"
               FROM users WHERE id = $1"#,
            user.uuid()
        );
        let Some(mut document) = document.fetch_optional(self.db()).await? else { return Ok(None) };
        // What is sealed is told as its owner sees it.
        let methods = self.payment_methods(user).await?;
        let methods = methods
            .into_iter()
            .map(|method| json!({ "provider": method.provider, "display": method.display }));
        document["payment_methods"] = methods.collect();
        Ok(Some(document))
    }
}
