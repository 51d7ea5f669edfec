package io.tallystick.fuzz;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.tallystick.agent.metadata.Cloud;
import io.tallystick.agent.metadata.Identity;
import io.tallystick.agent.metadata.Metadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Answers of a metadata service, of both clouds, make an identity or an {@link IOException} with a sentence. The input is
 * the answers on the wire, headers and all, one after the other between {@link RawService#BETWEEN}.
 */
class MetadataFuzzTest {
    private static final RawService SERVICE = RawService.start();

    @MethodSource("answers")
    @FuzzTest(maxDuration = "5m")
    void answersMakeAnIdentityOrASentence(byte[] bytes) {
        // A connection is a finding, unless it was said that it is meant. Anywhere else, a redirect was followed.
        BugDetectors.allowNetworkConnections((host, port) -> port == SERVICE.port());
        for (Cloud cloud : Cloud.values()) {
            SERVICE.say(bytes);
            try {
                Identity read = new Metadata(SERVICE.url(), cloud).read();
                assertFalse(read.instance().isEmpty());
            } catch (IOException refused) {
                assertFalse(String.valueOf(refused.getMessage()).isBlank());
            }
        }
    }

    static Stream<byte[]> answers() {
        String document = "{\"accountId\":\"123456789012\",\"instanceId\":\"i-0123456789abcdef0\"}";
        return Stream.of(
                said("session-token", document, "MIAG", "4b9oexample0code\n"),
                said("i-0a1b2c3d", "ami-0a1b2c3d", "tinav5.c1r1p1", "eu-west-2a", "4b9oexample0code", "none"),
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
                "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
                        .getBytes(StandardCharsets.US_ASCII),
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx"
                        .getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] said(String... bodies) {
        StringBuilder all = new StringBuilder();
        for (String body : bodies) {
            all.append("HTTP/1.1 200 OK\r\nContent-Length: ")
                    .append(body.length())
                    .append("\r\n\r\n")
                    .append(body)
                    .append(RawService.BETWEEN);
        }
        return all.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
