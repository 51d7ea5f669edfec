-- Accounts, tokens, the catalogue, agreements and the audit log. Ids are made by the service (prefix-…); every
-- constraint is named because the service answers by name. Times are UTC instants.

CREATE TABLE audit_head (
    id smallint NOT NULL CONSTRAINT audit_head_pk PRIMARY KEY CONSTRAINT audit_head_single CHECK (id = 1),
    seq bigint NOT NULL CONSTRAINT audit_head_seq_range CHECK (seq >= 0),
    hash bytea NOT NULL CONSTRAINT audit_head_hash_length CHECK (octet_length(hash) = 32)
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE audit_event (
    seq bigint NOT NULL CONSTRAINT audit_event_pk PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    -- Text, not jsonb: the chain covers the exact characters.
    before_json text,
    after_json text,
    prev_hash bytea NOT NULL CONSTRAINT audit_event_prev_hash_length CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL CONSTRAINT audit_event_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT audit_event_before_is_json CHECK (before_json IS JSON),
    CONSTRAINT audit_event_after_is_json CHECK (after_json IS JSON)
);
CREATE INDEX audit_event_subject ON audit_event (subject, seq);

CREATE FUNCTION audit_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_event is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse_change();

CREATE TABLE account (
    id text NOT NULL CONSTRAINT account_pk PRIMARY KEY,
    kind text NOT NULL CONSTRAINT account_kind_known CHECK (kind IN ('seller', 'buyer', 'operator')),
    name text NOT NULL CONSTRAINT account_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    -- Keys the pseudonyms under which this seller sees its buyers.
    pseudonym_key bytea,
    created_at timestamptz NOT NULL,
    CONSTRAINT account_seller_has_pseudonym_key
        CHECK ((kind = 'seller') = (pseudonym_key IS NOT NULL) AND octet_length(pseudonym_key) = 32)
);

CREATE TABLE cloud_account (
    cloud text NOT NULL,
    cloud_account_id text NOT NULL,
    account_id text NOT NULL CONSTRAINT cloud_account_account_fk REFERENCES account (id),
    created_at timestamptz NOT NULL,
    CONSTRAINT cloud_account_pk PRIMARY KEY (cloud, cloud_account_id)
);
CREATE INDEX cloud_account_account ON cloud_account (account_id);

CREATE TABLE api_token (
    id text NOT NULL CONSTRAINT api_token_pk PRIMARY KEY,
    secret_sha256 bytea NOT NULL CONSTRAINT api_token_secret_unique UNIQUE,
    role text NOT NULL CONSTRAINT api_token_role_known CHECK (role IN ('operator', 'seller', 'buyer', 'billing')),
    account_id text CONSTRAINT api_token_account_fk REFERENCES account (id),
    description text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_token_secret_length CHECK (octet_length(secret_sha256) = 32),
    CONSTRAINT api_token_account_by_role CHECK ((role IN ('seller', 'buyer')) = (account_id IS NOT NULL))
);

CREATE TABLE product (
    id text NOT NULL CONSTRAINT product_pk PRIMARY KEY,
    product_code text NOT NULL CONSTRAINT product_code_unique UNIQUE
        CONSTRAINT product_code_form CHECK (product_code ~ '^[-a-zA-Z0-9/=:_.@]{1,255}$'),
    title text NOT NULL CONSTRAINT product_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    seller_account_id text NOT NULL CONSTRAINT product_seller_fk REFERENCES account (id),
    visibility text NOT NULL
        CONSTRAINT product_visibility_known CHECK (visibility IN ('STAGING', 'LIMITED', 'PUBLIC', 'RESTRICTED')),
    visibility_set_at timestamptz NOT NULL,
    -- The weakest evidence an instance may enroll with.
    evidence_level text NOT NULL
        CONSTRAINT product_evidence_level_known CHECK (evidence_level IN ('attested', 'api-confirmed', 'claimed')),
    late_limit_seconds integer NOT NULL
        CONSTRAINT product_late_limit_range CHECK (late_limit_seconds BETWEEN 3600 AND 34560000),
    close_delay_seconds integer NOT NULL
        CONSTRAINT product_close_delay_range CHECK (close_delay_seconds BETWEEN 0 AND 604800),
    flush_interval_seconds integer NOT NULL
        CONSTRAINT product_flush_interval_range CHECK (flush_interval_seconds BETWEEN 10 AND 3600),
    created_at timestamptz NOT NULL
);
CREATE INDEX product_seller ON product (seller_account_id, id);

CREATE TABLE dimension (
    id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT dimension_pk PRIMARY KEY,
    product_id text NOT NULL CONSTRAINT dimension_product_fk REFERENCES product (id),
    key text NOT NULL CONSTRAINT dimension_key_form CHECK (key ~ '^[A-Za-z0-9_.-]{1,100}$'),
    title text NOT NULL CONSTRAINT dimension_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    unit text NOT NULL CONSTRAINT dimension_unit_length CHECK (char_length(unit) BETWEEN 1 AND 50),
    -- The most one record may carry; null for no bound but the ledger's.
    quantity_max numeric(38, 9) CONSTRAINT dimension_quantity_max_positive CHECK (quantity_max > 0),
    created_at timestamptz NOT NULL,
    CONSTRAINT dimension_key_unique UNIQUE (product_id, key)
);

CREATE TABLE visibility_grant (
    product_id text NOT NULL CONSTRAINT visibility_grant_product_fk REFERENCES product (id),
    account_id text NOT NULL CONSTRAINT visibility_grant_account_fk REFERENCES account (id),
    created_at timestamptz NOT NULL,
    CONSTRAINT visibility_grant_pk PRIMARY KEY (product_id, account_id)
);
CREATE INDEX visibility_grant_account ON visibility_grant (account_id);

-- Valid from accepted_at (inclusive) to ended_at (exclusive).
CREATE TABLE agreement (
    id text NOT NULL CONSTRAINT agreement_pk PRIMARY KEY,
    product_id text NOT NULL CONSTRAINT agreement_product_fk REFERENCES product (id),
    account_id text NOT NULL CONSTRAINT agreement_account_fk REFERENCES account (id),
    accepted_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT agreement_ends_after_start CHECK (ended_at >= accepted_at)
);
CREATE UNIQUE INDEX agreement_open_unique ON agreement (product_id, account_id) WHERE ended_at IS NULL;
CREATE INDEX agreement_account ON agreement (account_id, product_id);
