package io.tallystick.agent.metadata;

import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.wire.JoinCode;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The metadata service of whichever cloud this is. Where that is not set, the answer to the request for a session token
 * tells: EC2 gives one, a service that has no such thing (404, 405, 501) is OUTSCALE's. Anything else, silence above all,
 * says nothing and is asked again, because to take a disabled EC2 service for an OUTSCALE one would be to ask for less
 * proof than there is.
 */
public final class Metadata implements MetadataService {
    /** The link-local address that every cloud's service has. */
    public static final String ADDRESS = Link.ADDRESS;

    private final Link link;
    private final Cloud cloud;
    private @Nullable MetadataService service;

    /** @param base {@link #ADDRESS}, or another in the sandbox */
    public Metadata(String base, Cloud cloud) {
        this.link = new Link(base);
        this.cloud = cloud;
    }

    @Override
    public Identity read() throws IOException {
        return service().read();
    }

    /** A join code in the user data of a VM of a cloud that signs nothing. */
    public Optional<JoinCode> joinCode() throws IOException {
        return service() instanceof OutscaleMetadata outscale ? outscale.joinCode() : Optional.empty();
    }

    private MetadataService service() throws IOException {
        MetadataService known = service;
        if (known == null) {
            known = (cloud == Cloud.AUTO ? detect() : cloud) == Cloud.AWS
                    ? new AwsMetadata(link)
                    : new OutscaleMetadata(link);
            service = known;
        }
        return known;
    }

    private Cloud detect() throws IOException {
        HttpReply reply = link.putToken();
        return switch (reply.status()) {
            case 200 -> Cloud.AWS;
            case 404, 405, 501 -> Cloud.OUTSCALE;
            default ->
                throw new IOException("the metadata service answers " + reply.status()
                        + " for a session token, which tells no cloud; the setting cloud can name it");
        };
    }
}
