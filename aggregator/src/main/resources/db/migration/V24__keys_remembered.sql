-- A public key that a restored database forgot, and that an operator gave it again, has no private part: no bytes. It verifies
-- what was signed before, and never signs. Not NULL, so that servers of the version before go on reading all rows.
ALTER TABLE signing_key ADD CONSTRAINT signing_key_without_private_retired
    CHECK (octet_length(wrapped_key) > 0 OR retired_at IS NOT NULL);
