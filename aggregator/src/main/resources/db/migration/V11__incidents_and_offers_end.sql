-- What operators did about an incident. What is reported again counts on and stays acknowledged: else whoever repeats it
-- would decide what operators have to look at.
ALTER TABLE incident
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text,
    ADD COLUMN note text,
    ADD CONSTRAINT incident_acknowledged_whole
        CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (note IS NULL OR acknowledged_at IS NOT NULL));
CREATE INDEX incident_open ON incident (incident_id) WHERE acknowledged_at IS NULL;

-- An offer may be closed before it opens, and is then never open.
ALTER TABLE offer
    DROP CONSTRAINT offer_closes_after_opening,
    ADD CONSTRAINT offer_closes_from_opening CHECK (closes_at >= opens_at);
