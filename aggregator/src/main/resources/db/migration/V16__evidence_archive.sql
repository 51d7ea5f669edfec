-- Months of evidence that left the database as files, and how far each enrollment's batches did.

CREATE TABLE evidence_archive (
  name            text        CONSTRAINT evidence_archive_pk PRIMARY KEY,
  batches         bigint      NOT NULL,
  -- Of the batches in it; empty where there are none.
  first_received  timestamptz,
  last_received   timestamptz,
  manifest_sha256 bytea       NOT NULL
    CONSTRAINT evidence_archive_digest_length CHECK (octet_length(manifest_sha256) = 32),
  location        text        NOT NULL,
  recorded_at     timestamptz NOT NULL,
  -- Out of usage_batch; and removed, after the files were read again.
  detached_at     timestamptz,
  dropped_at      timestamptz,
  CONSTRAINT evidence_archive_month CHECK (name ~ '^[0-9]{4}-[0-9]{2}$'),
  CONSTRAINT evidence_archive_in_order CHECK (dropped_at IS NULL OR detached_at IS NOT NULL)
);
CREATE TRIGGER evidence_archive_no_delete BEFORE DELETE ON evidence_archive
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_archive_no_truncate BEFORE TRUNCATE ON evidence_archive
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Batches of an epoch up to seq are archived, and the last of them has this hash. The receipt stands here while that one
-- is the enrollment's last, as its agent may not have got it.
CREATE TABLE archived_chain (
  enrollment_id uuid    NOT NULL,
  epoch         integer NOT NULL,
  seq           bigint  NOT NULL,
  hash          bytea   NOT NULL CONSTRAINT archived_chain_hash_length CHECK (octet_length(hash) = 32),
  receipt       text,
  CONSTRAINT archived_chain_pk PRIMARY KEY (enrollment_id, epoch)
);
