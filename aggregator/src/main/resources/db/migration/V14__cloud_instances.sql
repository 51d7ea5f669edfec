-- What clouds say runs, as far as the keys there are show it, to be compared with what is enrolled.

-- Where a cloud is asked: one account in one region, by one process at a time.
CREATE TABLE cloud_sample (
  cloud             text        NOT NULL,
  cloud_account     text        NOT NULL,
  region            text        NOT NULL,
  asked_at          timestamptz NOT NULL,
  -- The first and the last time that the whole answer came.
  first_complete_at timestamptz,
  complete_at       timestamptz,
  -- Why the last one did not come.
  error             text,
  CONSTRAINT cloud_sample_pk PRIMARY KEY (cloud, cloud_account, region),
  CONSTRAINT cloud_sample_complete_whole CHECK ((first_complete_at IS NULL) = (complete_at IS NULL))
);

-- A VM that carries a product code. Its id is the one its enrollment has, or would have.
CREATE TABLE cloud_instance (
  enrollment_id uuid        CONSTRAINT cloud_instance_pk PRIMARY KEY,
  cloud         text        NOT NULL,
  cloud_account text        NOT NULL,
  region        text        NOT NULL,
  instance      text        NOT NULL,
  image         text        NOT NULL,
  instance_type text        NOT NULL,
  product_codes text[]      NOT NULL,
  first_seen_at timestamptz NOT NULL,
  last_seen_at  timestamptz NOT NULL,
  -- When it was not among the running ones any more.
  gone_at       timestamptz,
  CONSTRAINT cloud_instance_sample_fk FOREIGN KEY (cloud, cloud_account, region)
    REFERENCES cloud_sample (cloud, cloud_account, region)
);
CREATE INDEX cloud_instance_place ON cloud_instance (cloud, cloud_account, region) WHERE gone_at IS NULL;
CREATE INDEX cloud_instance_gone ON cloud_instance (gone_at) WHERE gone_at IS NOT NULL;
