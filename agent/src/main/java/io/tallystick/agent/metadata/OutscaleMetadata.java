package io.tallystick.agent.metadata;

import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.JoinCode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * OUTSCALE's metadata service: plain GET, no token, nothing signed. Of what it documents, instance, image and type are
 * needed; region, product codes and tags are taken where they are there.
 */
final class OutscaleMetadata implements MetadataService {
    private static final String ROOT = "/latest/meta-data/";
    /** OUTSCALE takes up to 500 KiB of user data. */
    private static final int USER_DATA_BYTES_MAX = 512 * 1024;

    private static final Pattern HOST =
            Pattern.compile("[a-z0-9-]+\\.([a-z]+(?:-[a-z]+)+-[0-9]+)\\.compute(?:\\.internal)?");

    private final Link link;

    OutscaleMetadata(Link link) {
        this.link = link;
    }

    @Override
    public Identity read() throws IOException {
        String instance = required("instance-id");
        String image = required("ami-id");
        String type = required("instance-type");
        String region = region();
        if (!EnrollRequest.Claims.areWellFormed(instance, image, type, region)) {
            throw new IOException("the metadata service gives an instance, image, type or region of unknown form");
        }
        List<String> productCodes = Link.productCodes(get("product-codes"));
        EnrollRequest.Claims claims = new EnrollRequest.Claims(
                instance,
                image,
                type,
                region.isEmpty() ? Optional.empty() : Optional.of(region),
                Optional.empty(),
                Optional.empty());
        return new Identity(
                EnrollRequest.OUTSCALE,
                "",
                instance,
                claims,
                productCodes,
                List.of(),
                optional("tags/" + Identity.KEY_TAG));
    }

    /**
     * Empty where nothing says it. The group {@code placement} is documented without its names; a subregion is its region and a
     * letter ({@code eu-west-2a}); names of hosts are {@code ip-….eu-west-2.compute.internal}.
     */
    private String region() throws IOException {
        Optional<String> told = optional("placement/region");
        if (told.isEmpty()) {
            told = optional("placement/availability-zone").map(zone -> zone.replaceFirst("(?<=[0-9])[a-z]$", ""));
        }
        if (told.isEmpty()) {
            told = optional("local-hostname")
                    .map(HOST::matcher)
                    .filter(Matcher::matches)
                    .map(m -> m.group(1));
        }
        return told.orElse("");
    }

    /** The join code in the VM's user data. */
    Optional<JoinCode> joinCode() throws IOException {
        HttpReply reply = link.get("/latest/user-data", Map.of(), USER_DATA_BYTES_MAX);
        return reply.status() == 200 ? JoinCode.inUserData(Link.text(reply)) : Optional.empty();
    }

    private String required(String category) throws IOException {
        HttpReply reply = get(category);
        String text = Link.text(reply).strip();
        if (reply.status() != 200 || text.isEmpty()) {
            throw new IOException("the metadata service answers " + reply.status() + " for " + category);
        }
        return text;
    }

    private Optional<String> optional(String category) throws IOException {
        HttpReply reply = get(category);
        return reply.status() == 200
                ? Optional.of(Link.text(reply).strip()).filter(t -> !t.isEmpty())
                : Optional.empty();
    }

    private HttpReply get(String category) throws IOException {
        return link.get(ROOT + category, Map.of());
    }
}
