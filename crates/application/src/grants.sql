-- What the two group roles may do. Run after every migration, so a new table is covered at once. All of it is one
-- transaction; two that ran at the same moment would meet on the same rows of the catalogue, so they take turns.
SELECT pg_advisory_xact_lock(hashtextextended('calmness/grants', 0));
GRANT USAGE ON SCHEMA public TO calmness_service, calmness_auditor;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO calmness_service;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO calmness_service;

-- History is appended, never changed.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_logs FROM calmness_service;
-- Only the owner moves business time, and only a sandbox has a reason to.
REVOKE INSERT, UPDATE, DELETE ON business_clock FROM calmness_service;
-- Money, periods and who was bound are never deleted by the service.
REVOKE DELETE ON payments, idempotency_keys, webhook_events, subscriptions, periods, bindings, refunds,
                 quarantine FROM calmness_service;
-- Who gave time, and the books of money: appended, never changed.
REVOKE UPDATE, DELETE, TRUNCATE ON grants, movements FROM calmness_service;
REVOKE DELETE ON alerts, plans, channels FROM calmness_service;
REVOKE INSERT, UPDATE, DELETE ON _sqlx_migrations FROM calmness_service;

-- Nor is what was asked of a second admin, which settings there were, and who was an admin when.
REVOKE DELETE ON approvals, admin_config_history, admin_terms FROM calmness_service;
REVOKE UPDATE ON admin_config_history FROM calmness_service;
-- But a value is sealed anew when its data key is replaced.
GRANT UPDATE (value_encrypted) ON admin_config_history TO calmness_service;

GRANT SELECT ON audit_logs TO calmness_auditor;

-- The switches of an emergency are moved, never taken away; what was paused stays told.
REVOKE INSERT, DELETE ON session_cutoff FROM calmness_service;
REVOKE DELETE ON purchase_pauses FROM calmness_service;
-- The audit chain grows at its end alone. What identifies a person beside it is erased with the person.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_chain, audit_seals FROM calmness_service;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_checkpoints FROM calmness_service;
REVOKE UPDATE, TRUNCATE ON audit_personal FROM calmness_service;
GRANT SELECT ON audit_chain, audit_seals, audit_checkpoints, audit_personal TO calmness_auditor;
