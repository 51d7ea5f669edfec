package io.tallystick.aggregator.image;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.auth.aws.scheme.AwsV4AuthScheme;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.AsyncSignRequest;
import software.amazon.awssdk.http.auth.spi.signer.AsyncSignedRequest;
import software.amazon.awssdk.http.auth.spi.signer.SignRequest;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.IdentityProvider;
import software.amazon.awssdk.identity.spi.IdentityProviders;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ec2.Ec2Client;

/**
 * One SDK client per region, made when first asked for and shared by all keys: who asks is said with each request. No client
 * reads the machine's own AWS configuration, and none repeats a request: that is the caller's decision. (The JDK below sends
 * a request again when a kept connection turns out to be closed; every action used here may be repeated.)
 */
final class Ec2Clients implements AutoCloseable {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(60);
    private static final Pattern REGION = Pattern.compile("[a-z0-9-]{1,32}");
    /** Regions come from requests; there are less than 50. */
    private static final int CLIENTS_MAX = 200;

    private final Optional<String> endpoint;
    private final ClockedScheme scheme;
    private final SdkHttpClient http = UrlConnectionHttpClient.builder()
            .connectionTimeout(CONNECT_TIMEOUT)
            .socketTimeout(READ_TIMEOUT)
            .build();
    private final Map<String, Ec2Client> clients = new ConcurrentHashMap<>();

    Ec2Clients(Optional<String> endpoint, Clock clock) {
        this.endpoint = endpoint;
        this.scheme = new ClockedScheme(clock);
    }

    Ec2Client of(String region) {
        if (!isThere(region) || clients.size() >= CLIENTS_MAX && !clients.containsKey(region)) {
            throw new ImageCloudException("no-such-region", "there is no region " + region, false, null);
        }
        return clients.computeIfAbsent(region, this::make);
    }

    /** Private regions are where the endpoint says; of AWS's own the SDK knows the names, and another one is nobody's address. */
    private boolean isThere(String region) {
        return REGION.matcher(region).matches()
                && (endpoint.isPresent()
                        || Region.regions().stream()
                                .anyMatch(known -> known.id().equals(region) && !known.isGlobalRegion()));
    }

    private Ec2Client make(String region) {
        var builder = Ec2Client.builder()
                .region(Region.of(region))
                .httpClient(http)
                .credentialsProvider(AnonymousCredentialsProvider.create())
                .putAuthScheme(scheme)
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.doNotRetry())
                        .apiCallTimeout(CALL_TIMEOUT)
                        .defaultProfileFile(ProfileFile.aggregator().build())
                        .defaultProfileName("none"));
        endpoint.ifPresent(e -> builder.endpointOverride(URI.create(e.replace("{region}", region))));
        return builder.build();
    }

    @Override
    public void close() {
        clients.values().forEach(Ec2Client::close);
        http.close();
    }

    /** Signature version 4 at the time of the injected clock. */
    private static final class ClockedScheme implements AwsV4AuthScheme {
        private final AwsV4AuthScheme scheme = AwsV4AuthScheme.create();
        private final Clock clock;

        ClockedScheme(Clock clock) {
            this.clock = clock;
        }

        @Override
        public String schemeId() {
            return SCHEME_ID;
        }

        @Override
        public IdentityProvider<AwsCredentialsIdentity> identityProvider(IdentityProviders providers) {
            return scheme.identityProvider(providers);
        }

        @Override
        public AwsV4HttpSigner signer() {
            AwsV4HttpSigner signer = scheme.signer();
            return new AwsV4HttpSigner() {
                @Override
                public SignedRequest sign(SignRequest<? extends AwsCredentialsIdentity> request) {
                    return signer.sign(request.toBuilder()
                            .putProperty(SIGNING_CLOCK, clock)
                            .build());
                }

                @Override
                public CompletableFuture<AsyncSignedRequest> signAsync(
                        AsyncSignRequest<? extends AwsCredentialsIdentity> request) {
                    return signer.signAsync(request.toBuilder()
                            .putProperty(SIGNING_CLOCK, clock)
                            .build());
                }
            };
        }
    }
}
