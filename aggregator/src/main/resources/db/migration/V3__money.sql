-- Offers and their rates, what an agreement accepted, where a VM ran, charges and statements.
-- Amounts are exact NUMERIC with their currency beside them; what is booked or closed never changes.

CREATE TABLE offer (
  id         text        CONSTRAINT offer_pk PRIMARY KEY,
  product_id text        NOT NULL CONSTRAINT offer_product_fk REFERENCES product (id),
  kind       text        NOT NULL CONSTRAINT offer_kind_known CHECK (kind IN ('paid', 'free', 'byol')),
  title      text        NOT NULL CONSTRAINT offer_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
  currency   text        NOT NULL CONSTRAINT offer_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  -- Only for the accounts it names.
  private    boolean     NOT NULL,
  opens_at   timestamptz NOT NULL,
  closes_at  timestamptz,
  created_at timestamptz NOT NULL,
  CONSTRAINT offer_closes_after_opening CHECK (closes_at > opens_at)
);
CREATE INDEX offer_product ON offer (product_id, id);

CREATE TABLE offer_account (
  offer_id   text NOT NULL CONSTRAINT offer_account_offer_fk REFERENCES offer (id),
  account_id text NOT NULL CONSTRAINT offer_account_account_fk REFERENCES account (id),
  CONSTRAINT offer_account_pk PRIMARY KEY (offer_id, account_id)
);

-- A version of an offer's prices: for agreements accepted from its making until the next one's.
CREATE TABLE offer_rate (
  offer_id      text        NOT NULL CONSTRAINT offer_rate_offer_fk REFERENCES offer (id),
  rate          integer     NOT NULL CONSTRAINT offer_rate_numbered CHECK (rate > 0),
  -- How part of an instance hour is paid: as the whole hour, or as the part.
  partial_hours text        NOT NULL CONSTRAINT offer_rate_partial_hours_known CHECK (partial_hours IN ('full', 'exact')),
  created_at    timestamptz NOT NULL,
  CONSTRAINT offer_rate_pk PRIMARY KEY (offer_id, rate)
);

CREATE TABLE price_term (
  offer_id      text           NOT NULL,
  rate          integer        NOT NULL,
  dimension_id  integer        NOT NULL CONSTRAINT price_term_dimension_fk REFERENCES dimension (id),
  -- Empty for every instance type that has no term of its own.
  instance_type text           NOT NULL,
  unit_price    numeric(18, 9) NOT NULL CONSTRAINT price_term_not_negative CHECK (unit_price >= 0),
  CONSTRAINT price_term_pk PRIMARY KEY (offer_id, rate, dimension_id, instance_type),
  CONSTRAINT price_term_rate_fk FOREIGN KEY (offer_id, rate) REFERENCES offer_rate (offer_id, rate)
);

CREATE TRIGGER offer_rate_append_only BEFORE UPDATE OR DELETE ON offer_rate
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER price_term_append_only BEFORE UPDATE OR DELETE ON price_term
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was accepted, frozen. Both null: an agreement without a price.
ALTER TABLE agreement
  ADD COLUMN offer_id text,
  ADD COLUMN rate integer,
  ADD CONSTRAINT agreement_offer_with_rate CHECK ((offer_id IS NULL) = (rate IS NULL)),
  ADD CONSTRAINT agreement_rate_fk FOREIGN KEY (offer_id, rate) REFERENCES offer_rate (offer_id, rate);
CREATE TRIGGER agreement_offer_frozen BEFORE UPDATE ON agreement FOR EACH ROW
  WHEN ((old.offer_id, old.rate) IS DISTINCT FROM (new.offer_id, new.rate)) EXECUTE FUNCTION refuse_change();

-- Each start of a VM that evidence has shown: what it was, from then until its next start.
CREATE TABLE vm_start (
  enrollment_id uuid        NOT NULL CONSTRAINT vm_start_of REFERENCES enrollment,
  since         timestamptz NOT NULL,
  pending_time  timestamptz NOT NULL,
  instance_type text        NOT NULL,
  image         text        NOT NULL,
  region        text        NOT NULL,
  CONSTRAINT vm_start_pk PRIMARY KEY (enrollment_id, since)
);
INSERT INTO vm_start (enrollment_id, since, pending_time, instance_type, image, region)
SELECT enrollment_id, pending_time, pending_time, instance_type, image, region FROM enrollment;

-- As of the line's hour. Null in lines booked before this version, which nothing prices.
ALTER TABLE usage_line
  ADD COLUMN instance_type text,
  ADD COLUMN image text,
  ADD COLUMN region text;

-- One row: whoever may rate and close now. Rating and closing exclude each other.
CREATE TABLE charging_state (
  one         boolean     CONSTRAINT charging_state_pk PRIMARY KEY DEFAULT true
    CONSTRAINT charging_state_one_row CHECK (one),
  fence       bigint      NOT NULL DEFAULT 0,
  fence_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO charging_state DEFAULT VALUES;

-- How far the charges of a posting run are; they can be seen when it is finished. Runs are rated in order.
CREATE TABLE rating_run (
  run         bigint      CONSTRAINT rating_run_pk PRIMARY KEY CONSTRAINT rating_run_of REFERENCES posting_run,
  -- Who issues the invoice, as exports name it: frozen, so that an export reads the same after a change of name.
  issuer      text        NOT NULL,
  line        bigint      NOT NULL DEFAULT 0,
  finished_at timestamptz,
  charges     bigint      NOT NULL DEFAULT 0,
  sha256      bytea
);

-- A priced usage line, under that line's number. Amounts are exact; they are rounded once, in a statement line.
CREATE TABLE charge (
  run             bigint         NOT NULL,
  line            bigint         NOT NULL,
  kind            text           NOT NULL CONSTRAINT charge_kind_known CHECK (kind IN ('usage', 'adjustment')),
  -- The first day of the month in whose statement it is: its hour's, or the first one not closed by then.
  month           date           NOT NULL CONSTRAINT charge_month_first_day CHECK (extract(day FROM month) = 1),
  hour            timestamptz    NOT NULL,
  seller_id       text           NOT NULL,
  seller_name     text           NOT NULL,
  product_id      text           NOT NULL,
  product_title   text           NOT NULL,
  account_id      text           NOT NULL,
  agreement_id    text           NOT NULL,
  offer_id        text           NOT NULL,
  rate            integer        NOT NULL,
  sku             text           NOT NULL,
  quantity        numeric(38, 9) NOT NULL,
  -- What the unit price is multiplied by: the quantity, or what it adds to the started instance hours.
  priced_quantity numeric(38, 9) NOT NULL CONSTRAINT charge_quantity_not_negative CHECK (priced_quantity >= 0),
  unit_price      numeric(18, 9) NOT NULL,
  currency        text           NOT NULL,
  amount          numeric(60, 18) NOT NULL CONSTRAINT charge_amount_not_negative CHECK (amount >= 0),
  -- Why nothing is to be paid, where the price list does not say zero itself.
  reason          text           CONSTRAINT charge_reason_known CHECK (reason IN ('free', 'byol', 'no-price')),
  CONSTRAINT charge_pk PRIMARY KEY (run, line),
  CONSTRAINT charge_line_fk FOREIGN KEY (run, line) REFERENCES usage_line (run, line),
  CONSTRAINT charge_rate_fk FOREIGN KEY (offer_id, rate) REFERENCES offer_rate (offer_id, rate),
  CONSTRAINT charge_amount_is_product CHECK (amount = priced_quantity * unit_price),
  CONSTRAINT charge_reason_is_zero CHECK (reason IS NULL OR unit_price = 0)
);
CREATE INDEX charge_by_account ON charge (account_id, run, line);
CREATE INDEX charge_by_product ON charge (product_id, run, line);
CREATE INDEX charge_by_month ON charge (month, account_id, seller_id, currency, run, line);
CREATE INDEX charge_by_seller ON charge (seller_id, month);

-- A month being closed, then closed: its statements can be seen from then on.
CREATE TABLE statement_month (
  month     date        CONSTRAINT statement_month_pk PRIMARY KEY,
  -- Charges of runs booked before it are in this month's statements, later ones in the next.
  cut       timestamptz NOT NULL,
  closed_at timestamptz
);

CREATE TABLE statement (
  id         text           CONSTRAINT statement_pk PRIMARY KEY,
  month      date           NOT NULL CONSTRAINT statement_month_fk REFERENCES statement_month (month),
  account_id text           NOT NULL,
  seller_id  text           NOT NULL,
  currency   text           NOT NULL,
  exponent   smallint       NOT NULL CONSTRAINT statement_exponent_range CHECK (exponent BETWEEN 0 AND 4),
  amount     numeric(60, 4) NOT NULL,
  lines      integer        NOT NULL,
  charges    bigint         NOT NULL,
  CONSTRAINT statement_once UNIQUE (month, account_id, seller_id, currency)
);
CREATE INDEX statement_by_account ON statement (account_id, id);
CREATE INDEX statement_by_seller ON statement (seller_id, id);

CREATE TABLE statement_line (
  statement_id    text           NOT NULL CONSTRAINT statement_line_of REFERENCES statement (id),
  line            integer        NOT NULL CONSTRAINT statement_line_numbered CHECK (line > 0),
  kind            text           NOT NULL CONSTRAINT statement_line_kind_known CHECK (kind IN ('usage', 'adjustment')),
  product_id      text           NOT NULL,
  product_code    text           NOT NULL,
  product_title   text           NOT NULL,
  dimension       text           NOT NULL,
  unit            text           NOT NULL,
  sku             text           NOT NULL,
  agreement_id    text           NOT NULL,
  offer_id        text           NOT NULL,
  rate            integer        NOT NULL,
  unit_price      numeric(18, 9) NOT NULL,
  reason          text,
  quantity        numeric(48, 9) NOT NULL,
  priced_quantity numeric(48, 9) NOT NULL,
  first_hour      timestamptz    NOT NULL,
  last_hour       timestamptz    NOT NULL,
  charges         bigint         NOT NULL,
  exact           numeric(70, 18) NOT NULL,
  -- The sum rounded once, half up, to the currency's exponent.
  amount          numeric(60, 4) NOT NULL,
  CONSTRAINT statement_line_pk PRIMARY KEY (statement_id, line)
);

-- Which charges a statement line adds up. The key says: each in at most one.
CREATE TABLE statement_charge (
  run          bigint  NOT NULL,
  charge       bigint  NOT NULL,
  statement_id text    NOT NULL,
  line         integer NOT NULL,
  CONSTRAINT statement_charge_pk PRIMARY KEY (run, charge),
  CONSTRAINT statement_charge_charge_fk FOREIGN KEY (run, charge) REFERENCES charge (run, line),
  CONSTRAINT statement_charge_line_fk FOREIGN KEY (statement_id, line) REFERENCES statement_line (statement_id, line)
);
CREATE INDEX statement_charge_by_line ON statement_charge (statement_id, line, run, charge);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['charge', 'statement', 'statement_line', 'statement_charge'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
      t || '_append_only', t);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
      t || '_no_truncate', t);
  END LOOP;
END $$;
