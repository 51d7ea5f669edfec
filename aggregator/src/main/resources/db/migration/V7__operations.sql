-- Since when the service is there, and when it was not: time in which nobody could take batches is held against no agent.

-- One row, written by every process in turn: the service is there as long as any of them is.
CREATE TABLE service_heartbeat (
  one     boolean     CONSTRAINT service_heartbeat_pk PRIMARY KEY DEFAULT true
    CONSTRAINT service_heartbeat_one_row CHECK (one),
  since   timestamptz NOT NULL,
  beat_at timestamptz NOT NULL,
  CONSTRAINT service_heartbeat_in_order CHECK (beat_at >= since)
);

-- Spans never overlap, so lengths may be added.
CREATE TABLE service_away (
  from_at timestamptz NOT NULL CONSTRAINT service_away_pk PRIMARY KEY,
  to_at   timestamptz NOT NULL,
  cause   text        NOT NULL CONSTRAINT service_away_cause_known CHECK (cause IN ('absent', 'overloaded')),
  CONSTRAINT service_away_has_length CHECK (to_at > from_at),
  CONSTRAINT service_away_apart EXCLUDE USING gist (tstzrange(from_at, to_at) WITH &&)
);
