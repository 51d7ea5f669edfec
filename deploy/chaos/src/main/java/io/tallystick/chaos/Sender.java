package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Checker;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.CloudCa;
import io.tallystick.cloudsim.VmIdentity;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Wire;
import io.tallystick.sandbox.RawAgent;
import io.tallystick.sandbox.Rest;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/** A VM without an agent, which speaks the protocol by itself: signs the next batch when told. Not thread-safe. */
final class Sender {
    private final RawAgent agent;
    private final String name;
    private final SplittableRandom random;
    private long serial;

    /** A batch: its bytes for the wire, and what the log will say once it is acknowledged. */
    record Signed(Jws jws, byte[] body, List<MeteringRecord> records, List<AckLog.Entry> entries) {}

    private Sender(RawAgent agent, String name, SplittableRandom random) {
        this.agent = agent;
        this.name = name;
        this.random = random;
    }

    /** Enrolls a VM of the world's cloud account, with evidence of the same keys as the world's cloud. */
    static Sender enroll(World world, CloudCa ca, World.Product product, String name, long number, long seed) {
        Clock clock = world.clock();
        VmIdentity vm = new VmIdentity(
                Cloud.AWS,
                World.CLOUD_ACCOUNT,
                World.REGION,
                World.REGION + "a",
                instance(number),
                "m5.large",
                "ami-00000000000000001",
                "x86_64",
                List.of(product.code()),
                List.of(),
                clock.instant().truncatedTo(ChronoUnit.SECONDS),
                "10.0.0.1",
                "02:00:00:00:00:01",
                "r-00000000000000001");
        byte[] document = vm.document();
        RawAgent agent =
                new RawAgent(Rest.at(world.operator().base()), world.publicUrl().toString(), clock);
        agent.enroll(new EnrollRequest(
                "aws",
                CloudCa.base64Lines(ca.signRsa2048(vm.region(), document)),
                Optional.of(new String(document, StandardCharsets.UTF_8)),
                vm.productCodes(),
                "chaos"));
        return new Sender(agent, name, new SplittableRandom(seed));
    }

    /** The instance id of a VM with this number. */
    static String instance(long number) {
        return String.format(Locale.ROOT, "i-%017x", number);
    }

    /** The next batch, with records of these hours. */
    Signed next(int records, List<Instant> hours) {
        List<MeteringRecord> list = new ArrayList<>(records);
        List<AckLog.Entry> entries = new ArrayList<>(records);
        for (int i = 0; i < records; i++) {
            String dimension = World.DIMENSIONS.get(random.nextInt(World.DIMENSIONS.size()));
            Instant hour = hours.get(random.nextInt(hours.size()));
            BigDecimal quantity = Checker.mark(random.nextInt(Checker.MARKS));
            list.add(MeteringRecord.increment(dimension, hour, new Quantity(quantity)));
            entries.add(new AckLog.Entry(
                    AckLog.Fate.ACKNOWLEDGED,
                    name + "-" + serial++,
                    agent.enrollment().toString(),
                    dimension,
                    hour.toString(),
                    quantity));
        }
        return signed(list, entries);
    }

    /** The next batch, with the records of this one: new ones would take the cores from whom a load is for. */
    Signed again(Signed last) {
        return signed(last.records(), last.entries());
    }

    private Signed signed(List<MeteringRecord> records, List<AckLog.Entry> entries) {
        Jws jws = agent.sign(records);
        return new Signed(jws, jws.flattened(), records, entries);
    }

    byte[] request(int port, Signed batch) {
        return Exchange.post(port, agent.batchesPath(), Wire.JOSE_JSON, batch.body());
    }

    /** Goes on after this one, which this answer acknowledged: whole, or the log would promise too much. */
    void stored(Signed batch, Exchange.Answer answer) {
        Receipt receipt =
                Receipt.parse(Jws.parseFlattened(answer.body(), Typ.RECEIPT).payload());
        if (!receipt.sha256().equals(batch.jws().hash()) || !receipt.refused().isEmpty()) {
            throw new IllegalStateException("not the receipt that was expected: " + receipt);
        }
        agent.stored(batch.jws());
    }
}
