-- The ledger: who is enrolled, what they sent (evidence), what it adds up to, and what was booked.
-- Every constraint is named: db.PgErrors turns names into answers.

-- The aggregator's own keys. Private keys are wrapped (AES-256-GCM) by a key from the configuration.
CREATE TABLE signing_key (
  kid         text        CONSTRAINT signing_key_pk PRIMARY KEY,
  public_key  bytea       NOT NULL CONSTRAINT signing_key_public_length CHECK (octet_length(public_key) = 32),
  wrapped_key bytea       NOT NULL,
  created_at  timestamptz NOT NULL,
  active_from timestamptz NOT NULL,
  retired_at  timestamptz
);

CREATE TABLE enrollment (
  enrollment_id      uuid        CONSTRAINT enrollment_pk PRIMARY KEY,
  cloud              text        NOT NULL,
  cloud_account      text        NOT NULL,
  instance           text        NOT NULL,
  region             text        NOT NULL,
  image              text        NOT NULL,
  instance_type      text        NOT NULL,
  product_codes      text[]      NOT NULL,
  evidence_level     text        NOT NULL
    CONSTRAINT enrollment_level_known CHECK (evidence_level IN ('attested', 'api-confirmed', 'claimed')),
  public_key         bytea       NOT NULL CONSTRAINT enrollment_key_length CHECK (octet_length(public_key) = 32),
  first_pending_time timestamptz NOT NULL,
  pending_time       timestamptz NOT NULL,
  counter            bigint      NOT NULL DEFAULT 0,
  agent_version      text        NOT NULL,
  agent_state        text        NOT NULL,
  enrolled_at        timestamptz NOT NULL,
  seen_at            timestamptz NOT NULL,
  CONSTRAINT enrollment_instance_once UNIQUE (cloud, cloud_account, instance)
);

-- The signed request of each start, as received: what an enrollment was granted on.
CREATE TABLE enrollment_evidence (
  enrollment_id uuid        NOT NULL CONSTRAINT enrollment_evidence_of REFERENCES enrollment,
  pending_time  timestamptz NOT NULL,
  thumbprint    bytea       NOT NULL,
  jws           text        NOT NULL,
  received      timestamptz NOT NULL,
  CONSTRAINT enrollment_evidence_pk PRIMARY KEY (enrollment_id, pending_time, thumbprint)
);

-- Keys that were refused because another already speaks for the instance, until somebody decides.
CREATE TABLE contested_key (
  enrollment_id uuid        NOT NULL CONSTRAINT contested_key_of REFERENCES enrollment,
  thumbprint    bytea       NOT NULL,
  public_key    bytea       NOT NULL,
  first_seen    timestamptz NOT NULL,
  last_seen     timestamptz NOT NULL,
  approved_at   timestamptz,
  CONSTRAINT contested_key_pk PRIMARY KEY (enrollment_id, thumbprint)
);

-- Narrow on purpose: one row an enrollment, updated with every batch, always in place (HOT).
CREATE TABLE watermark (
  enrollment_id uuid        CONSTRAINT watermark_pk PRIMARY KEY CONSTRAINT watermark_of REFERENCES enrollment,
  epoch         integer     NOT NULL DEFAULT 1,
  seq           bigint      NOT NULL DEFAULT 0,
  hash          bytea       NOT NULL CONSTRAINT watermark_hash_length CHECK (octet_length(hash) = 32),
  -- Thumbprint of the key whose batches are taken: read under the lock, so a replaced key is refused at once.
  key           bytea       NOT NULL CONSTRAINT watermark_key_length CHECK (octet_length(key) = 32),
  progressed_at timestamptz NOT NULL,
  has_slots     boolean     NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- Evidence, as received, with the signed answer. Deduplication needs no index here beyond the key: the watermark
-- decides, so the partition column may stand in it.
CREATE TABLE usage_batch (
  received      timestamptz NOT NULL,
  enrollment_id uuid        NOT NULL,
  epoch         integer     NOT NULL,
  seq           bigint      NOT NULL,
  jws           text        NOT NULL,
  receipt       text        NOT NULL,
  CONSTRAINT usage_batch_pk PRIMARY KEY (enrollment_id, epoch, seq, received)
) PARTITION BY RANGE (received);
-- Months are made ahead of need (usage.Partitions); this one catches a clock nobody expected.
CREATE TABLE usage_batch_default PARTITION OF usage_batch DEFAULT;

-- The tags of an allocation, once. The nil uuid is the untagged bucket and has no row.
CREATE TABLE allocation (
  enrollment_id uuid NOT NULL,
  allocation    uuid NOT NULL,
  tags          text NOT NULL,
  CONSTRAINT allocation_pk PRIMARY KEY (enrollment_id, allocation)
);

CREATE TABLE usage_hour (
  hour          timestamptz    NOT NULL,
  enrollment_id uuid           NOT NULL,
  dimension_id  integer        NOT NULL CONSTRAINT usage_hour_dimension REFERENCES dimension (id),
  allocation    uuid           NOT NULL,
  agreement_id  text           NOT NULL CONSTRAINT usage_hour_agreement REFERENCES agreement (id),
  quantity      numeric(38, 9) NOT NULL CONSTRAINT usage_hour_quantity_not_negative CHECK (quantity >= 0),
  posted        numeric(38, 9) NOT NULL DEFAULT 0,
  dirty         boolean        NOT NULL DEFAULT true,
  -- The agreement stands in the key: an hour in which one ended and the next began is billed to both, each its part.
  CONSTRAINT usage_hour_pk PRIMARY KEY (hour, enrollment_id, dimension_id, allocation, agreement_id),
  CONSTRAINT usage_hour_whole CHECK (hour = date_trunc('hour', hour, 'UTC')),
  CONSTRAINT usage_hour_posted_within CHECK (posted >= 0 AND posted <= quantity)
) WITH (fillfactor = 70);
-- What a posting run has to look at. Adding to a dirty hour leaves it dirty, so those updates stay HOT.
CREATE INDEX usage_hour_dirty ON usage_hour (hour, enrollment_id, dimension_id, allocation, agreement_id)
  WHERE dirty;

-- Write-once hours of the AWS-style door. An hour of a dimension belongs to the kind that wrote first.
CREATE TABLE hour_slot (
  enrollment_id uuid        NOT NULL,
  dimension_id  integer     NOT NULL,
  hour          timestamptz NOT NULL,
  slot          text        NOT NULL,
  CONSTRAINT hour_slot_pk PRIMARY KEY (enrollment_id, dimension_id, hour)
);

-- Records that were stored but not added up, with the reason the receipt gave.
CREATE TABLE quarantined_record (
  enrollment_id uuid           NOT NULL,
  epoch         integer        NOT NULL,
  seq           bigint         NOT NULL,
  index         integer        NOT NULL,
  product_code  text,
  dimension     text           NOT NULL,
  time          timestamptz    NOT NULL,
  quantity      numeric(38, 9) NOT NULL,
  code          text           NOT NULL,
  detail        text           NOT NULL,
  received      timestamptz    NOT NULL,
  CONSTRAINT quarantined_record_pk PRIMARY KEY (enrollment_id, epoch, seq, index)
);
CREATE INDEX quarantined_record_by_time ON quarantined_record (received, enrollment_id, epoch, seq, index);

-- Things somebody must look at: forks, gaps, contested keys. Told once a fingerprint, counted after.
CREATE TABLE incident (
  incident_id   bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT incident_pk PRIMARY KEY,
  kind          text        NOT NULL CONSTRAINT incident_kind_known CHECK (kind IN ('fork', 'gap', 'contested')),
  enrollment_id uuid        NOT NULL,
  fingerprint   text        NOT NULL,
  detail        text        NOT NULL,
  first_at      timestamptz NOT NULL,
  last_at       timestamptz NOT NULL,
  count         bigint      NOT NULL DEFAULT 1,
  CONSTRAINT incident_once UNIQUE (enrollment_id, kind, fingerprint)
);

CREATE TABLE posting_run (
  run         bigint      CONSTRAINT posting_run_pk PRIMARY KEY CONSTRAINT posting_run_numbered CHECK (run > 0),
  booked_at   timestamptz NOT NULL CONSTRAINT posting_run_booked_once UNIQUE,
  started_at  timestamptz NOT NULL,
  finished_at timestamptz,
  lines       bigint      NOT NULL DEFAULT 0,
  sha256      bytea
);

-- One row. The fence is the number of whoever may post now; closed_through is how far booking times are final.
CREATE TABLE posting_state (
  one            boolean     CONSTRAINT posting_state_pk PRIMARY KEY DEFAULT true
    CONSTRAINT posting_state_one_row CHECK (one),
  fence          bigint      NOT NULL DEFAULT 0,
  fence_until    timestamptz NOT NULL DEFAULT '-infinity',
  closed_through timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO posting_state DEFAULT VALUES;

-- Immutable and self-contained: what was pulled once reads the same for ever, whatever happens to names elsewhere.
CREATE TABLE usage_line (
  run           bigint         NOT NULL CONSTRAINT usage_line_run REFERENCES posting_run,
  line          bigint         NOT NULL,
  kind          text           NOT NULL CONSTRAINT usage_line_kind_known CHECK (kind IN ('usage', 'adjustment')),
  hour          timestamptz    NOT NULL,
  product_id    text           NOT NULL,
  product_code  text           NOT NULL,
  account_id    text           NOT NULL,
  agreement_id  text           NOT NULL,
  enrollment_id uuid           NOT NULL,
  cloud         text           NOT NULL,
  cloud_account text           NOT NULL,
  instance      text           NOT NULL,
  dimension_id  integer        NOT NULL,
  dimension     text           NOT NULL,
  unit          text           NOT NULL,
  allocation    uuid           NOT NULL,
  tags          text           NOT NULL,
  quantity      numeric(38, 9) NOT NULL CONSTRAINT usage_line_quantity_positive CHECK (quantity > 0),
  CONSTRAINT usage_line_pk PRIMARY KEY (run, line)
);
CREATE INDEX usage_line_by_product ON usage_line (product_id, run, line);
CREATE INDEX usage_line_by_account ON usage_line (account_id, run, line);
-- Explaining a bill: the lines of one usage hour, and whether an hour was posted before.
CREATE INDEX usage_line_by_hour ON usage_line (enrollment_id, hour, dimension_id, allocation, agreement_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER usage_line_append_only BEFORE UPDATE OR DELETE ON usage_line
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_line_no_truncate BEFORE TRUNCATE ON usage_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_batch_append_only BEFORE UPDATE OR DELETE ON usage_batch
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
