package io.tallystick.aggregator.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which regions are asked at all. Nothing here connects. */
class Ec2ClientsTest {
    @Test
    void aRegionThatAwsDoesNotHaveIsRefusedForGoodWhereNoEndpointSaysOtherwise() {
        try (Ec2Clients clients = new Ec2Clients(Optional.empty(), Clock.systemUTC())) {
            assertNotNull(clients.of("eu-west-3"));
            for (String nowhere : List.of("eu-west-33", "aws-global", "")) {
                ImageCloudException refused = assertThrows(ImageCloudException.class, () -> clients.of(nowhere));
                assertEquals("no-such-region", refused.code());
                assertFalse(refused.isRetryable());
            }
        }
        try (Ec2Clients clients = new Ec2Clients(Optional.of("https://{region}.example.com"), Clock.systemUTC())) {
            assertNotNull(clients.of("eu-west-33"));
        }
    }
}
