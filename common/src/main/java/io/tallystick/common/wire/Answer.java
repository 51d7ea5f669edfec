package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The answer to an enrollment or a lease request; the payload of an {@code answer+jws}.
 *
 * @param request the hash of the request it answers, so that an old answer cannot be replayed to a new question
 * @param time the aggregator's time, what agents set their trusted time by; to the millisecond
 * @param counter the last counter this enrollment used
 * @param trialUntil there for a key that is taking the instance over: it is not the enrolled one before that, and sends no
 *     batches
 * @param decisions one per product code of the instance; empty if it carries none
 */
public record Answer(
        Hash request,
        Instant time,
        EnrollmentId enrollment,
        String evidenceLevel,
        long counter,
        Watermark watermark,
        List<Decision> decisions,
        MeteringPlan plan,
        Optional<Instant> trialUntil) {

    /** An answer to the enrolled key. */
    public Answer(
            Hash request,
            Instant time,
            EnrollmentId enrollment,
            String evidenceLevel,
            long counter,
            Watermark watermark,
            List<Decision> decisions,
            MeteringPlan plan) {
        this(request, time, enrollment, evidenceLevel, counter, watermark, decisions, plan, Optional.empty());
    }

    public Answer {
        decisions = List.copyOf(decisions);
    }

    public byte[] toBytes() {
        List<Object> list = new ArrayList<>();
        decisions.forEach(d -> list.add(d.toJson()));
        return Json.writeBytes(Json.object(
                "request",
                request,
                "time",
                time,
                "enrollment",
                enrollment,
                "evidenceLevel",
                evidenceLevel,
                "counter",
                counter,
                "watermark",
                watermark.toJson(),
                "decisions",
                list,
                "plan",
                plan.toJson(),
                "trialUntil",
                trialUntil.orElse(null)));
    }

    public static Answer parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        Hash request = f.parsed("request", Hash::parse, Hash.NONE);
        Instant time = f.instant("time");
        EnrollmentId enrollment = f.parsed("enrollment", EnrollmentId::parse, new EnrollmentId(new UUID(0, 0)));
        String level = f.string("evidenceLevel", 32);
        long counter = f.number("counter", 0, Long.MAX_VALUE);
        Watermark watermark = Watermark.read(f.object("watermark"));
        List<Decision> decisions = new ArrayList<>();
        for (Fields d : f.objects("decisions", Wire.PRODUCT_CODES_MAX)) {
            decisions.add(Decision.read(d));
        }
        MeteringPlan plan = MeteringPlan.read(f.object("plan"));
        Optional<Instant> trialUntil = f.optionalInstant("trialUntil");
        f.done();
        return new Answer(request, time, enrollment, level, counter, watermark, decisions, plan, trialUntil);
    }
}
