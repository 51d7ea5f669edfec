-- Batches that a restored database forgot and that their agent no longer has: the chain goes on behind them. The receipt is
-- of the last of them; the agent showed it, and it is the proof that they were stored once.
CREATE TABLE lost_range (
  enrollment_id uuid        NOT NULL CONSTRAINT lost_range_of REFERENCES enrollment,
  -- The last batch that is there, with its hash.
  epoch         integer     NOT NULL,
  seq           bigint      NOT NULL,
  before        bytea       NOT NULL CONSTRAINT lost_range_before_length CHECK (octet_length(before) = 32),
  -- The last batch that is lost, with its hash.
  to_epoch      integer     NOT NULL,
  to_seq        bigint      NOT NULL,
  hash          bytea       NOT NULL CONSTRAINT lost_range_hash_length CHECK (octet_length(hash) = 32),
  receipt       text        NOT NULL,
  noted_at      timestamptz NOT NULL,
  CONSTRAINT lost_range_pk PRIMARY KEY (enrollment_id, epoch, seq),
  CONSTRAINT lost_range_forward CHECK ((to_epoch, to_seq) > (epoch, seq))
);
CREATE TRIGGER lost_range_no_change BEFORE UPDATE OR DELETE ON lost_range
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lost_range_no_truncate BEFORE TRUNCATE ON lost_range
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE incident DROP CONSTRAINT incident_kind_known;
ALTER TABLE incident ADD CONSTRAINT incident_kind_known
  CHECK (kind IN ('fork', 'gap', 'contested', 'takeover', 'lost'));
