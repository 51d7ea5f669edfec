-- The keys of products that RegisterUsage's answers are signed with: the seller builds the public one into the software.
CREATE TABLE registration_key (
  product_id  text        NOT NULL CONSTRAINT registration_key_product_fk REFERENCES product (id),
  version     integer     NOT NULL CONSTRAINT registration_key_version_range CHECK (version >= 1),
  -- X.509 SubjectPublicKeyInfo; the private one is PKCS#8, wrapped.
  public_key  bytea       NOT NULL,
  wrapped_key bytea       NOT NULL,
  created_at  timestamptz NOT NULL,
  -- When the next version was made. The key still signs, and its answers say so.
  rotated_at  timestamptz CONSTRAINT registration_key_rotated_after CHECK (rotated_at >= created_at),
  CONSTRAINT registration_key_pk PRIMARY KEY (product_id, version)
);
CREATE UNIQUE INDEX registration_key_one_current ON registration_key (product_id) WHERE rotated_at IS NULL;
