-- A key that shows a newer start of a VM than the enrolled key has: on trial until the enrolled one was silent for long
-- enough. Nothing it reports is taken before that, so there is nothing to undo.
CREATE TABLE takeover (
  enrollment_id uuid        CONSTRAINT takeover_pk PRIMARY KEY CONSTRAINT takeover_of REFERENCES enrollment,
  public_key    bytea       NOT NULL CONSTRAINT takeover_key_length CHECK (octet_length(public_key) = 32),
  -- What the document of the newer start says; becomes the enrollment's with the key.
  pending_time  timestamptz NOT NULL,
  region        text        NOT NULL,
  image         text        NOT NULL,
  instance_type text        NOT NULL,
  product_codes text[]      NOT NULL,
  jws           text        NOT NULL,
  counter       bigint      NOT NULL DEFAULT 0,
  agent_version text        NOT NULL,
  agent_state   text        NOT NULL,
  began_at      timestamptz NOT NULL,
  seen_at       timestamptz NOT NULL
);

-- Read under the lock that each batch takes anyway: a batch of the enrolled key ends a takeover.
ALTER TABLE watermark ADD COLUMN contended boolean NOT NULL DEFAULT false;

ALTER TABLE incident DROP CONSTRAINT incident_kind_known;
ALTER TABLE incident ADD CONSTRAINT incident_kind_known CHECK (kind IN ('fork', 'gap', 'contested', 'takeover'));
