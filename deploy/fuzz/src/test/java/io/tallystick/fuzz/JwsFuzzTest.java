package io.tallystick.fuzz;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** An envelope is refused with a {@link Failure}, or both its forms say the same. */
class JwsFuzzTest {
    @MethodSource("envelopes")
    @FuzzTest(maxDuration = "5m")
    void anEnvelopeIsRefusedOrReadTheSameInBothForms(byte[] bytes) {
        for (Typ typ : Typ.values()) {
            Jws read;
            try {
                read = Jws.parseFlattened(bytes, typ);
            } catch (Failure refused) {
                continue;
            }
            for (Jws again :
                    List.of(Jws.parseFlattened(read.flattened(), typ), Jws.parseCompact(read.compact(), typ))) {
                assertEquals(read.header(), again.header());
                assertArrayEquals(read.payload(), again.payload());
                assertEquals(read.hash(), again.hash());
            }
        }
    }

    static Stream<byte[]> envelopes() {
        return Seeds.golden("envelope-").stream();
    }
}
