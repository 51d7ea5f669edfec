package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * One bad record among a thousand. A good agent refuses an unknown dimension at once, so this is a client of the bare
 * protocol, enrolled for a VM of its own.
 */
final class QuarantinedStep implements Story.Step {
    private static final int RECORDS = 1000;
    private static final int BAD = 499;
    private static final String UNKNOWN = "no-such-dimension";

    @Override
    public String title() {
        return "one record with an unknown dimension among a thousand";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        VmInfo vm = market.launchBare(VmSpec.of(Marketplace.CLOUD_ACCOUNT)
                .region(Marketplace.REGION)
                .productCodes(scene.seed().productCode()));
        RawAgent client = new RawAgent(market.rest(), market.aggregatorUrl().toString(), market.clock());
        client.enroll(RawAgent.evidence(vm.metadata()));

        Instant hour = market.now().truncatedTo(ChronoUnit.HOURS);
        List<MeteringRecord> records = new ArrayList<>();
        for (int i = 0; i < RECORDS; i++) {
            records.add(MeteringRecord.increment(i == BAD ? UNKNOWN : Seed.REQUESTS, hour, Quantity.of(i + 1)));
        }
        Receipt receipt = client.send(records);
        Expect.equal(
                "records refused by the signed receipt", 1, receipt.refused().size());
        Receipt.Refused refused = receipt.refused().get(0);
        Expect.equal("index of the refused record", BAD, refused.index());
        Expect.equal("code of the refused record", "unknown-dimension", refused.code());
        for (int i = 0; i < RECORDS; i++) {
            if (i != BAD) {
                scene.acknowledged(vm.instanceId(), Seed.REQUESTS, Integer.toString(i + 1), hour);
            }
        }
        scene.tell()
                .did(
                        "sent a signed batch of " + RECORDS + " records, the " + (BAD + 1) + "th with dimension "
                                + UNKNOWN,
                        "stored; the receipt refuses index " + refused.index() + ": " + refused.code() + ", "
                                + refused.detail());

        Doc quarantined = quarantined(scene, vm.instanceId());
        Expect.equal("dimension in quarantine", UNKNOWN, quarantined.text("dimension"));
        Expect.equal("quantity in quarantine", Integer.toString(BAD + 1), quarantined.text("quantity"));
        Expect.equal("code in quarantine", "unknown-dimension", quarantined.text("code"));
        scene.tell().did("GET /v1/quarantine", quarantined.text("code") + ": " + quarantined.text("detail"));

        scene.closeAndCompare(market.firstAgent());
        scene.tell()
                .did(
                        "closed the hour and pulled",
                        "the other " + (RECORDS - 1) + " are billed: "
                                + scene.ledger().total(vm.instanceId()).toPlainString() + " requests");
    }

    private static Doc quarantined(Scene scene, String instance) {
        List<Doc> found = scene.operator().get("/v1/quarantine?limit=1000").expect(200).json().objects("items").stream()
                .filter(d -> d.text("instance").equals(instance))
                .toList();
        Expect.equal("records of the VM in quarantine", 1, found.size());
        return found.get(0);
    }
}
