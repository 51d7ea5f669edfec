-- Versions of products, the review queue, change sets and what their workers did, jobs, and mails to be sent.

-- When something that the product's page shows last changed; versions that are published or withdrawn move it.
ALTER TABLE product ADD COLUMN modified_at timestamptz;
UPDATE product SET modified_at = greatest(created_at, visibility_set_at);
ALTER TABLE product ALTER COLUMN modified_at SET NOT NULL;

CREATE TABLE product_version (
    id text NOT NULL CONSTRAINT product_version_pk PRIMARY KEY,
    product_id text NOT NULL CONSTRAINT product_version_product_fk REFERENCES product (id),
    title text NOT NULL CONSTRAINT product_version_title_length CHECK (char_length(title) BETWEEN 1 AND 100),
    software_version text,
    operating_system text,
    software_base text,
    release_notes text NOT NULL,
    usage_instructions text,
    cloud text NOT NULL,
    region text NOT NULL,
    -- The seller's image.
    source_image_id text NOT NULL,
    source_image_name text NOT NULL,
    -- The marketplace's copy; still named here after it was deleted, since VMs launched from it go on.
    copy_image_id text,
    status text NOT NULL CONSTRAINT product_version_status_known
        CHECK (status IN ('draft', 'publishing', 'published', 'restricted', 'unpublished')),
    created_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    published_at timestamptz,
    restricted_at timestamptz,
    unpublished_at timestamptz,
    CONSTRAINT product_version_title_unique UNIQUE (product_id, title),
    CONSTRAINT product_version_published_since CHECK ((status IN ('draft', 'publishing')) = (published_at IS NULL)),
    CONSTRAINT product_version_published_copy CHECK (published_at IS NULL OR copy_image_id IS NOT NULL),
    CONSTRAINT product_version_restricted_since CHECK (status <> 'restricted' OR restricted_at IS NOT NULL),
    CONSTRAINT product_version_unpublished_since CHECK ((status = 'unpublished') = (unpublished_at IS NOT NULL)),
    CONSTRAINT product_version_copy_unique UNIQUE (cloud, region, copy_image_id)
);
CREATE INDEX product_version_product ON product_version (product_id, created_at);
CREATE INDEX product_version_source ON product_version (cloud, source_image_id);

-- What sellers ask of operators: to move a product to another visibility.
CREATE TABLE review (
    id text NOT NULL CONSTRAINT review_pk PRIMARY KEY,
    product_id text NOT NULL CONSTRAINT review_product_fk REFERENCES product (id),
    visibility text NOT NULL
        CONSTRAINT review_visibility_known CHECK (visibility IN ('LIMITED', 'PUBLIC', 'RESTRICTED')),
    note text,
    status text NOT NULL CONSTRAINT review_status_known CHECK (status IN ('open', 'approved', 'rejected')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    reason text,
    CONSTRAINT review_decided_whole CHECK ((status = 'open') = (decided_at IS NULL)
        AND (decided_at IS NULL) = (decided_by IS NULL)),
    CONSTRAINT review_rejected_with_reason CHECK (status <> 'rejected' OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX review_open_unique ON review (product_id) WHERE status = 'open';

-- Work to be done later, by whichever process takes it. The fence rises with each taking: a process that was paused and
-- believes it still has the job finds another number and changes nothing.
CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT job_pk PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    -- How often it was asked for: what is asked for while it runs makes it run again.
    requests bigint NOT NULL DEFAULT 1,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    leased_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    poisoned_at timestamptz,
    CONSTRAINT job_key_unique UNIQUE (kind, key)
);
CREATE INDEX job_open ON job (due_at) WHERE done_at IS NULL AND poisoned_at IS NULL;

CREATE TABLE change_set (
    id text NOT NULL CONSTRAINT change_set_pk PRIMARY KEY,
    -- Whose products it changes.
    account_id text NOT NULL CONSTRAINT change_set_account_fk REFERENCES account (id),
    name text,
    status text NOT NULL CONSTRAINT change_set_status_known
        CHECK (status IN ('PREPARING', 'APPLYING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    applying_at timestamptz,
    ended_at timestamptz,
    failure_code text CONSTRAINT change_set_failure_known CHECK (failure_code IN ('CLIENT_ERROR', 'SERVER_FAULT')),
    failure_detail text,
    CONSTRAINT change_set_ended CHECK ((status IN ('PREPARING', 'APPLYING')) = (ended_at IS NULL)),
    CONSTRAINT change_set_failed CHECK ((status = 'FAILED') = (failure_code IS NOT NULL))
);
CREATE INDEX change_set_account ON change_set (account_id, id);

CREATE TABLE change (
    change_set_id text NOT NULL CONSTRAINT change_of REFERENCES change_set (id),
    index integer NOT NULL,
    type text NOT NULL CONSTRAINT change_type_known CHECK (type IN
        ('PublishVersion', 'ModifyVersion', 'RestrictVersion', 'UnpublishVersion', 'UnpublishProduct')),
    product_id text NOT NULL CONSTRAINT change_product_fk REFERENCES product (id),
    version_id text CONSTRAINT change_version_fk REFERENCES product_version (id),
    details_json text NOT NULL CONSTRAINT change_details_are_json CHECK (details_json IS JSON),
    CONSTRAINT change_pk PRIMARY KEY (change_set_id, index)
);

-- A product is changed by one open change set at a time; the row goes when it ends.
CREATE TABLE change_lock (
    product_id text NOT NULL CONSTRAINT change_lock_pk PRIMARY KEY
        CONSTRAINT change_lock_product_fk REFERENCES product (id),
    change_set_id text NOT NULL CONSTRAINT change_lock_of REFERENCES change_set (id)
);
CREATE INDEX change_lock_set ON change_lock (change_set_id);

-- A step: its token is here before its effect is asked for, its end is recorded after.
CREATE TABLE change_step (
    change_set_id text NOT NULL CONSTRAINT change_step_of REFERENCES change_set (id),
    number integer NOT NULL,
    change_index integer NOT NULL,
    name text NOT NULL CONSTRAINT change_step_name_known CHECK (name IN
        ('copy', 'available', 'attach', 'share', 'publish', 'modify', 'deprecate', 'restrict', 'delete', 'unpublish',
         'withdraw')),
    version_id text CONSTRAINT change_step_version_fk REFERENCES product_version (id),
    token text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    attempted_at timestamptz,
    done_at timestamptz,
    last_error text,
    CONSTRAINT change_step_pk PRIMARY KEY (change_set_id, number),
    CONSTRAINT change_step_change_fk FOREIGN KEY (change_set_id, change_index)
        REFERENCES change (change_set_id, index),
    CONSTRAINT change_step_token_unique UNIQUE (token)
);

-- Each copy that was ever asked for. It is here before it is asked for, so none can be forgotten.
CREATE TABLE image_copy (
    token text NOT NULL CONSTRAINT image_copy_pk PRIMARY KEY,
    version_id text NOT NULL CONSTRAINT image_copy_version_fk REFERENCES product_version (id),
    cloud text NOT NULL,
    region text NOT NULL,
    source_image_id text NOT NULL,
    name text NOT NULL,
    image_id text,
    status text NOT NULL
        CONSTRAINT image_copy_status_known CHECK (status IN ('requested', 'pending', 'available', 'discarded', 'deleted')),
    requested_at timestamptz NOT NULL,
    available_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT image_copy_image_unique UNIQUE (cloud, region, image_id)
);
CREATE UNIQUE INDEX image_copy_version_unique ON image_copy (version_id) WHERE status NOT IN ('discarded', 'deleted');

-- Who may launch a copy, as far as we have told the cloud.
CREATE TABLE image_share (
    version_id text NOT NULL CONSTRAINT image_share_version_fk REFERENCES product_version (id),
    cloud_account_id text NOT NULL,
    shared_at timestamptz NOT NULL,
    CONSTRAINT image_share_pk PRIMARY KEY (version_id, cloud_account_id)
);

-- Whom to write to about an account's business.
CREATE TABLE account_contact (
    account_id text NOT NULL CONSTRAINT account_contact_account_fk REFERENCES account (id),
    email text NOT NULL CONSTRAINT account_contact_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    language text NOT NULL CONSTRAINT account_contact_language_known CHECK (language IN ('en', 'fr')),
    administrator boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT account_contact_pk PRIMARY KEY (account_id, email)
);

-- Mails, written once for a recipient and an event in the transaction that made it true, and sent at least once.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pk PRIMARY KEY,
    event text NOT NULL,
    recipient text NOT NULL,
    message_id text NOT NULL CONSTRAINT outbox_message_id_unique UNIQUE,
    subject text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    leased_until timestamptz,
    last_error text,
    sent_at timestamptz,
    refused_at timestamptz,
    CONSTRAINT outbox_event_unique UNIQUE (event, recipient)
);
CREATE INDEX outbox_unsent ON outbox (due_at) WHERE sent_at IS NULL AND refused_at IS NULL;
