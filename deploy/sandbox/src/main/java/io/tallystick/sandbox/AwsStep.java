package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Map;

/**
 * Software written for AWS Marketplace meters its hour, as AWS's clients put it on the wire. What it recorded stands on the
 * bill with the next hour that is closed, as the books are compared to the unit.
 */
final class AwsStep implements Story.Step {
    private static final String QUANTITY = "17";
    private static final String TYPE = "application/x-amz-json-1.1";

    @Override
    public String title() {
        return "software written for AWS Marketplace meters through the agent";
    }

    @Override
    public void play(Scene scene) {
        Agent agent = scene.market().firstAgent();
        Instant now = scene.market().now();
        String id =
                call(agent, request(scene, now, QUANTITY)).expect(200).json().text("MeteringRecordId");
        scene.acknowledged(scene.seed().instance(), Seed.REQUESTS, QUANTITY, now);
        scene.tell().did("MeterUsage at the agent's address, signed as AWS's SDKs sign", "MeteringRecordId " + id);

        String again =
                call(agent, request(scene, now, QUANTITY)).expect(200).json().text("MeteringRecordId");
        Expect.equal("record id of the same request again", id, again);
        String other = call(agent, request(scene, now, "18")).expect(400).json().text("__type");
        Expect.equal("error of another quantity for the hour", "DuplicateRequestException", other);
        Doc increment = agent.meter(Scene.record(Seed.REQUESTS, "1", now, "aws-increment"))
                .expect(409)
                .json();
        Expect.equal("code of an increment for the hour", "kind-taken", increment.text("code"));
        scene.tell()
                .did(
                        "the same again; another quantity; an increment of POST /v1/usage for that hour",
                        "the same id; " + other + "; " + increment.text("code"));
    }

    private static Map<String, Object> request(Scene scene, Instant now, String quantity) {
        return Json.object(
                "ProductCode",
                scene.seed().productCode(),
                "Timestamp",
                now.getEpochSecond(),
                "UsageDimension",
                Seed.REQUESTS,
                "UsageQuantity",
                Long.parseLong(quantity));
    }

    private static Rest.Reply call(Agent agent, Map<String, Object> body) {
        return agent.aws("AWSMPMeteringService.MeterUsage", TYPE, Json.writeBytes(body));
    }
}
