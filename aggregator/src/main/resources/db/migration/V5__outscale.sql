-- VMs of a cloud that signs no identity: join codes let them in, and the cloud's own API, asked with a read-only key of
-- the account that owns the VM, can confirm them.

-- The seed is shown to the buyer once. Only its public key is kept: knowing this table lets nobody in.
CREATE TABLE join_code (
  id            text        CONSTRAINT join_code_pk PRIMARY KEY,
  public_key    bytea       NOT NULL CONSTRAINT join_code_key_length CHECK (octet_length(public_key) = 32),
  account_id    text        NOT NULL CONSTRAINT join_code_account_fk REFERENCES account (id),
  agreement_id  text        NOT NULL CONSTRAINT join_code_agreement_fk REFERENCES agreement (id),
  product_id    text        NOT NULL CONSTRAINT join_code_product_fk REFERENCES product (id),
  -- The account at the cloud whose VMs it lets in: what an unsigned VM says of its owner counts for nothing.
  cloud         text        NOT NULL CONSTRAINT join_code_cloud_known CHECK (cloud = 'outscale'),
  cloud_account text        NOT NULL,
  uses_max      integer     NOT NULL CONSTRAINT join_code_uses_range CHECK (uses_max BETWEEN 1 AND 10000),
  uses_left     integer     NOT NULL,
  description   text        CONSTRAINT join_code_description_length CHECK (char_length(description) BETWEEN 1 AND 200),
  created_by    text        NOT NULL,
  created_at    timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL,
  revoked_at    timestamptz,
  CONSTRAINT join_code_left_range CHECK (uses_left BETWEEN 0 AND uses_max),
  CONSTRAINT join_code_expires_later CHECK (expires_at > created_at),
  CONSTRAINT join_code_cloud_account_fk FOREIGN KEY (cloud, cloud_account)
    REFERENCES cloud_account (cloud, cloud_account_id)
);
CREATE INDEX join_code_account ON join_code (account_id, id);

-- Which enrollments a code let in: as many rows as uses are gone.
CREATE TABLE join_code_use (
  enrollment_id uuid        CONSTRAINT join_code_use_pk PRIMARY KEY CONSTRAINT join_code_use_of REFERENCES enrollment,
  join_code_id  text        NOT NULL CONSTRAINT join_code_use_code_fk REFERENCES join_code (id),
  used_at       timestamptz NOT NULL
);
CREATE INDEX join_code_use_code ON join_code_use (join_code_id);

-- Read-only access keys with which a cloud's API is asked about the VMs of one account. Secrets are wrapped by the key
-- that wraps signing keys.
CREATE TABLE cloud_key (
  id             text        CONSTRAINT cloud_key_pk PRIMARY KEY,
  cloud          text        NOT NULL CONSTRAINT cloud_key_cloud_known CHECK (cloud = 'outscale'),
  cloud_account  text        NOT NULL,
  access_key     text        NOT NULL CONSTRAINT cloud_key_access_length CHECK (char_length(access_key) BETWEEN 1 AND 128),
  wrapped_secret bytea       NOT NULL,
  set_by         text        NOT NULL,
  set_at         timestamptz NOT NULL,
  CONSTRAINT cloud_key_account_once UNIQUE (cloud, cloud_account),
  CONSTRAINT cloud_key_cloud_account_fk FOREIGN KEY (cloud, cloud_account)
    REFERENCES cloud_account (cloud, cloud_account_id)
);

-- When a cloud's API was last asked about an enrollment, and when it last confirmed it.
CREATE TABLE confirmation (
  enrollment_id uuid        CONSTRAINT confirmation_pk PRIMARY KEY CONSTRAINT confirmation_of REFERENCES enrollment,
  asked_at      timestamptz NOT NULL,
  confirmed_at  timestamptz,
  finding       text        NOT NULL
);
