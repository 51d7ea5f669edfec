-- People who sign in to the portal, their sessions, and the brake on guessing passwords.

CREATE TABLE app_user (
    id text NOT NULL CONSTRAINT app_user_pk PRIMARY KEY,
    -- In lower case: two spellings are one person.
    email text NOT NULL CONSTRAINT app_user_email_unique UNIQUE
        CONSTRAINT app_user_email_form CHECK (char_length(email) BETWEEN 3 AND 254 AND email = lower(email)),
    role text NOT NULL CONSTRAINT app_user_role_known CHECK (role IN ('operator', 'seller', 'buyer')),
    account_id text CONSTRAINT app_user_account_fk REFERENCES account (id),
    -- Argon2id with its parameters and salt, in the PHC string format.
    password_hash text NOT NULL CONSTRAINT app_user_password_form CHECK (password_hash LIKE '$argon2id$%'),
    password_set_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    CONSTRAINT app_user_account_by_role CHECK ((role IN ('seller', 'buyer')) = (account_id IS NOT NULL))
);

-- The cookie's secret is not here, only its SHA-256: a stolen table opens no door.
CREATE TABLE portal_session (
    secret_sha256 bytea NOT NULL CONSTRAINT portal_session_pk PRIMARY KEY
        CONSTRAINT portal_session_secret_length CHECK (octet_length(secret_sha256) = 32),
    user_id text NOT NULL CONSTRAINT portal_session_user_fk REFERENCES app_user (id),
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT portal_session_seen_after_start CHECK (seen_at >= created_at)
);
CREATE INDEX portal_session_by_user ON portal_session (user_id);
CREATE INDEX portal_session_by_seen ON portal_session (seen_at);

-- Attempts to sign in, by a hash of the e-mail address and of the network address, so that all processes count together.
CREATE TABLE sign_in_throttle (
    subject bytea NOT NULL CONSTRAINT sign_in_throttle_pk PRIMARY KEY
        CONSTRAINT sign_in_throttle_subject_length CHECK (octet_length(subject) = 32),
    began_at timestamptz NOT NULL,
    attempts integer NOT NULL CONSTRAINT sign_in_throttle_attempts_positive CHECK (attempts > 0)
);
CREATE INDEX sign_in_throttle_by_time ON sign_in_throttle (began_at);

-- A tenant's usage of a time range, without reading everybody's. Neither column is ever updated, so ingest stays HOT.
CREATE INDEX usage_hour_by_agreement ON usage_hour (agreement_id, hour);
