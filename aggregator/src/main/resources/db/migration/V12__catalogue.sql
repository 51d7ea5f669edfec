-- What a product's page says, where a product may be used, how it was removed; more kinds of changes, asked for once
-- under a token or only to be checked; reviews that ask for something or are taken back.

ALTER TABLE product
    ADD COLUMN page_json text NOT NULL DEFAULT '{}' CONSTRAINT product_page_is_json CHECK (page_json IS JSON),
    ADD COLUMN categories text[] NOT NULL DEFAULT '{}',
    -- Title, texts, keywords and categories, without accents and capitals: what the catalogue is searched in.
    ADD COLUMN search_text text NOT NULL DEFAULT '',
    ADD COLUMN removal_json text CONSTRAINT product_removal_is_json CHECK (removal_json IS JSON);
UPDATE product SET search_text = lower(title);

-- Where a product may be used. One that was there is never deleted, as somebody may rely on it: it is restricted.
CREATE TABLE product_place (
    product_id text NOT NULL CONSTRAINT product_place_product_fk REFERENCES product (id),
    kind text NOT NULL CONSTRAINT product_place_kind_known CHECK (kind IN ('region', 'instance-type')),
    cloud text NOT NULL,
    name text NOT NULL CONSTRAINT product_place_name_form CHECK (name ~ '^[-a-zA-Z0-9._]{1,64}$'),
    added_at timestamptz NOT NULL,
    restricted_at timestamptz,
    CONSTRAINT product_place_pk PRIMARY KEY (product_id, kind, cloud, name)
);

ALTER TABLE product_version ADD COLUMN recommended_instance_type text;

ALTER TABLE change_set
    -- One that is only checked ends when it is asked for.
    ADD COLUMN intent text NOT NULL DEFAULT 'APPLY' CONSTRAINT change_set_intent_known CHECK (intent IN ('APPLY', 'VALIDATE')),
    -- By which the seller knows a repetition, and the hash of what was asked for under it.
    ADD COLUMN client_token text,
    ADD COLUMN request_sha256 bytea CONSTRAINT change_set_request_hash CHECK (octet_length(request_sha256) = 32),
    ADD CONSTRAINT change_set_token_whole CHECK ((client_token IS NULL) = (request_sha256 IS NULL)),
    ADD CONSTRAINT change_set_token_unique UNIQUE (account_id, client_token);
CREATE INDEX change_set_open ON change_set (id) WHERE status IN ('PREPARING', 'APPLYING');

ALTER TABLE change
    DROP CONSTRAINT change_type_known,
    ADD CONSTRAINT change_type_known CHECK (type IN
        ('PublishVersion', 'ModifyVersion', 'RestrictVersion', 'UnpublishVersion', 'UnpublishProduct',
         'UpdateInformation', 'AddRegions', 'RestrictRegions', 'AddInstanceTypes', 'RestrictInstanceTypes'));
-- What it usually takes to carry out a change is looked up by its type.
CREATE INDEX change_type ON change (type, change_set_id) WHERE index = 0;

ALTER TABLE change_step
    DROP CONSTRAINT change_step_name_known,
    ADD CONSTRAINT change_step_name_known CHECK (name IN
        ('copy', 'available', 'attach', 'share', 'publish', 'modify', 'deprecate', 'restrict', 'delete', 'unpublish',
         'withdraw', 'inform', 'place'));

ALTER TABLE review
    DROP CONSTRAINT review_status_known,
    DROP CONSTRAINT review_decided_whole,
    DROP CONSTRAINT review_rejected_with_reason,
    ADD CONSTRAINT review_status_known
        CHECK (status IN ('open', 'action-required', 'approved', 'rejected', 'cancelled')),
    ADD CONSTRAINT review_decided_whole CHECK ((status = 'open') = (decided_at IS NULL)
        AND (decided_at IS NULL) = (decided_by IS NULL)),
    ADD CONSTRAINT review_reasoned CHECK (status NOT IN ('action-required', 'rejected') OR reason IS NOT NULL);
DROP INDEX review_open_unique;
CREATE UNIQUE INDEX review_open_unique ON review (product_id) WHERE status IN ('open', 'action-required');
