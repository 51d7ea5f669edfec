package io.tallystick.fuzz;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.tallystick.common.error.Failure;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.LeaseRequest;
import io.tallystick.common.wire.NonceProof;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Registration;
import io.tallystick.common.wire.Resume;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** A payload is refused with a {@link Failure}, or what was understood is written and understood the same again. */
class PayloadFuzzTest {
    private static final List<UnaryOperator<byte[]>> MESSAGES = List.of(
            b -> Batch.parse(b).toBytes(),
            b -> EnrollRequest.parse(b).toBytes(),
            b -> LeaseRequest.parse(b).toBytes(),
            b -> Resume.Request.parse(b).toBytes(),
            b -> Resume.Answer.parse(b).toBytes(),
            b -> Registration.Request.parse(b).toBytes(),
            b -> Registration.Answer.parse(b).toBytes(),
            b -> Receipt.parse(b).toBytes(),
            b -> Answer.parse(b).toBytes(),
            b -> Lease.parse(b).toBytes(),
            b -> NonceProof.parse(b).toBytes());

    @MethodSource("payloads")
    @FuzzTest(maxDuration = "5m")
    void aPayloadIsRefusedOrMeansTheSameWhenItIsWrittenAgain(byte[] bytes) {
        for (UnaryOperator<byte[]> reencode : MESSAGES) {
            byte[] written;
            try {
                written = reencode.apply(bytes);
            } catch (Failure refused) {
                continue;
            }
            assertArrayEquals(written, reencode.apply(written));
        }
    }

    static Stream<byte[]> payloads() {
        return Seeds.golden("").stream();
    }
}
