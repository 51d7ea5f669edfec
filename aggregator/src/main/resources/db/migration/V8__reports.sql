-- Sellers' reports, kept as the bytes that were made. One a seller and day, made once and never again.
CREATE TABLE report_file (
  id          text        CONSTRAINT report_file_pk PRIMARY KEY,
  kind        text        NOT NULL
    CONSTRAINT report_file_kind_known CHECK (kind IN ('daily-business-usage-by-instance-type')),
  seller_id   text        NOT NULL CONSTRAINT report_file_seller_fk REFERENCES account (id),
  day         date        NOT NULL,
  -- Lines of runs up to it, of hours before the day's end, are in this report or in an earlier one of the seller.
  through_run bigint      NOT NULL CONSTRAINT report_file_through_run_range CHECK (through_run >= 0),
  lines       bigint      NOT NULL CONSTRAINT report_file_lines_range CHECK (lines >= 0),
  rows        integer     NOT NULL CONSTRAINT report_file_rows_range CHECK (rows >= 0),
  made_at     timestamptz NOT NULL,
  content     bytea       NOT NULL,
  sha256      bytea       NOT NULL CONSTRAINT report_file_sha256_matches CHECK (sha256 = sha256(content)),
  CONSTRAINT report_file_once UNIQUE (kind, seller_id, day)
);
CREATE INDEX report_file_by_seller ON report_file (seller_id, id);
CREATE TRIGGER report_file_append_only BEFORE UPDATE OR DELETE ON report_file
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER report_file_no_truncate BEFORE TRUNCATE ON report_file
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
