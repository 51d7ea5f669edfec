-- Where each key of an enrollment's chain began, once another one took over: what came before a key's first epoch is no
-- part of any state that has the key, so it need not be handed out to learn what was sent. A key that is not here may
-- have signed from the first batch on.
CREATE TABLE chain_key (
  enrollment_id uuid    NOT NULL CONSTRAINT chain_key_of REFERENCES enrollment,
  key           bytea   NOT NULL CONSTRAINT chain_key_length CHECK (octet_length(key) = 32),
  first_epoch   integer NOT NULL CONSTRAINT chain_key_epoch CHECK (first_epoch >= 1),
  CONSTRAINT chain_key_pk PRIMARY KEY (enrollment_id, key)
);
CREATE TRIGGER chain_key_no_change BEFORE UPDATE OR DELETE ON chain_key
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER chain_key_no_truncate BEFORE TRUNCATE ON chain_key
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
