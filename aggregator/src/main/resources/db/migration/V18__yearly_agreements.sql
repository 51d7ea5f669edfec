-- Yearly prices, what is bought by the year and how that is amended, and what both cost.

-- The price of one instance of the type for a year, beside what its hours cost.
ALTER TABLE price_term
  ADD COLUMN yearly boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT price_term_pk,
  ADD CONSTRAINT price_term_pk PRIMARY KEY (offer_id, rate, dimension_id, instance_type, yearly),
  ADD CONSTRAINT price_term_yearly_of_a_type CHECK (NOT yearly OR instance_type <> '');

-- What an agreement bought by the year: the purchase that begins a term, and the amendments of it, counted per agreement.
-- Times are whole hours of UTC, the hours that usage is added up in.
CREATE TABLE amendment (
  id             text           CONSTRAINT amendment_pk PRIMARY KEY,
  agreement_id   text           NOT NULL CONSTRAINT amendment_agreement_fk REFERENCES agreement (id),
  number         integer        NOT NULL CONSTRAINT amendment_numbered CHECK (number > 0),
  kind           text           NOT NULL CONSTRAINT amendment_kind_known CHECK (kind IN ('purchase', 'amendment')),
  term_start     timestamptz    NOT NULL,
  term_end       timestamptz    NOT NULL,
  -- From this hour on its items hold, until the next one's.
  effective_at   timestamptz    NOT NULL,
  offer_id       text           NOT NULL,
  rate           integer        NOT NULL,
  currency       text           NOT NULL,
  exponent       smallint       NOT NULL CONSTRAINT amendment_exponent_range CHECK (exponent BETWEEN 0 AND 4),
  -- What its items cost a year more than those before.
  yearly_change  numeric(60, 9) NOT NULL,
  -- Of a purchase that, exactly; of an amendment the share of the term that is left, rounded once, half up.
  amount         numeric(60, 9) NOT NULL CONSTRAINT amendment_amount_not_negative CHECK (amount >= 0),
  client_token   text,
  request_sha256 bytea,
  made_by        text           NOT NULL,
  made_at        timestamptz    NOT NULL,
  CONSTRAINT amendment_in_order UNIQUE (agreement_id, number),
  CONSTRAINT amendment_token_unique UNIQUE (agreement_id, client_token),
  CONSTRAINT amendment_token_whole CHECK ((client_token IS NULL) = (request_sha256 IS NULL)),
  CONSTRAINT amendment_rate_fk FOREIGN KEY (offer_id, rate) REFERENCES offer_rate (offer_id, rate),
  CONSTRAINT amendment_within_its_term CHECK (term_start <= effective_at AND effective_at < term_end),
  CONSTRAINT amendment_purchase_begins CHECK (kind = 'amendment' OR effective_at = term_start),
  -- Rule R32.
  CONSTRAINT amendment_costs_something CHECK (kind = 'purchase' OR yearly_change > 0),
  CONSTRAINT amendment_whole_hours CHECK (term_start = date_trunc('hour', term_start, 'UTC')
    AND term_end = date_trunc('hour', term_end, 'UTC') AND effective_at = date_trunc('hour', effective_at, 'UTC'))
);
CREATE INDEX amendment_by_time ON amendment (made_at);

-- How many instances of each type are covered from an amendment on; a type that it took away has no row.
CREATE TABLE agreement_item (
  amendment_id  text           NOT NULL CONSTRAINT agreement_item_of REFERENCES amendment (id),
  instance_type text           NOT NULL CONSTRAINT agreement_item_type_given CHECK (instance_type <> ''),
  count         integer        NOT NULL CONSTRAINT agreement_item_count_positive CHECK (count > 0),
  yearly_price  numeric(18, 9) NOT NULL CONSTRAINT agreement_item_price_not_negative CHECK (yearly_price >= 0),
  CONSTRAINT agreement_item_pk PRIMARY KEY (amendment_id, instance_type)
);

-- A charge is of a usage line, or of a purchase or amendment: those are numbered behind the usage lines of their run.
ALTER TABLE charge
  DROP CONSTRAINT charge_line_fk,
  DROP CONSTRAINT charge_kind_known,
  DROP CONSTRAINT charge_reason_known,
  DROP CONSTRAINT charge_reason_is_zero,
  ALTER COLUMN unit_price TYPE numeric(38, 9),
  -- The part of the quantity that was bought by the year.
  ADD COLUMN covered_quantity numeric(38, 9) NOT NULL DEFAULT 0,
  ADD COLUMN amendment_id text CONSTRAINT charge_amendment_fk REFERENCES amendment (id),
  ADD COLUMN usage_line bigint GENERATED ALWAYS AS (CASE WHEN kind <> 'purchase' THEN line END) STORED,
  ADD CONSTRAINT charge_line_fk FOREIGN KEY (run, usage_line) REFERENCES usage_line (run, line),
  ADD CONSTRAINT charge_kind_known CHECK (kind IN ('usage', 'adjustment', 'purchase')),
  ADD CONSTRAINT charge_reason_known CHECK (reason IN ('free', 'byol', 'no-price', 'covered')),
  ADD CONSTRAINT charge_reason_is_zero CHECK (reason IS NULL OR reason = 'covered' OR unit_price = 0),
  ADD CONSTRAINT charge_covered_range CHECK (covered_quantity BETWEEN 0 AND quantity),
  ADD CONSTRAINT charge_covered_has_reason CHECK ((covered_quantity > 0) = (reason IS NOT DISTINCT FROM 'covered')),
  ADD CONSTRAINT charge_purchase_of_amendment CHECK ((kind = 'purchase') = (amendment_id IS NOT NULL));
-- A purchase has one charge for each of its types, an amendment has one: never twice.
CREATE UNIQUE INDEX charge_amendment_once ON charge (amendment_id, sku) WHERE amendment_id IS NOT NULL;
CREATE INDEX charge_covered ON charge (agreement_id, hour, sku) WHERE covered_quantity > 0;

ALTER TABLE statement_line
  DROP CONSTRAINT statement_line_kind_known,
  ALTER COLUMN unit_price TYPE numeric(38, 9),
  ADD COLUMN covered_quantity numeric(48, 9) NOT NULL DEFAULT 0,
  ADD CONSTRAINT statement_line_kind_known CHECK (kind IN ('usage', 'adjustment', 'purchase'));

ALTER TABLE report_file
  DROP CONSTRAINT report_file_kind_known,
  ADD CONSTRAINT report_file_kind_known
    CHECK (kind IN ('daily-business-usage-by-instance-type', 'agreements-and-renewals'));

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['amendment', 'agreement_item'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
      t || '_append_only', t);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
      t || '_no_truncate', t);
  END LOOP;
END $$;
