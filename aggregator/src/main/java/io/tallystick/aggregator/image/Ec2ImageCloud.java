package io.tallystick.aggregator.image;

import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.Ec2Client;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.Image;
import software.amazon.awssdk.services.ec2.model.ImageAttributeName;
import software.amazon.awssdk.services.ec2.model.Instance;
import software.amazon.awssdk.services.ec2.model.LaunchPermission;
import software.amazon.awssdk.services.ec2.model.LaunchPermissionModifications;
import software.amazon.awssdk.services.ec2.model.PermissionGroup;
import software.amazon.awssdk.services.ec2.model.ProductCode;
import software.amazon.awssdk.services.ec2.model.Reservation;
import software.amazon.awssdk.services.ec2.model.ResourceType;
import software.amazon.awssdk.services.ec2.model.Tag;

/** Images at AWS, by EC2's API and the AWS SDK. */
final class Ec2ImageCloud implements ImageCloud {
    /** Names the token of the step that made a copy, so that it is found when EC2 has forgotten the request's own token. */
    static final String COPY_TAG = "tallystick-copy";

    private static final int CLIENT_TOKEN_CHARS_MAX = 64;
    private static final int NAME_CHARS_MIN = 3;
    private static final int NAME_CHARS_MAX = 128;
    /** Accounts named in one request; EC2 tells no limit for it, and 10,000 for an image. */
    private static final int ACCOUNTS_PER_REQUEST = 100;

    /** Values that EC2 takes in one filter. */
    private static final int FILTER_VALUES_MAX = 200;

    private static final int PAGE = 1000;

    private static final Set<String> NO_IMAGE =
            Set.of("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidAMIID.Malformed");
    private static final Set<String> NO_INSTANCE = Set.of("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed");
    /** Beside throttling and 5xx: a request that was under way too long, copies enough under way, and EC2's own advice. */
    private static final Set<String> RETRYABLE =
            Set.of("RequestLimitExceeded", "ResourceLimitExceeded", "RequestExpired", "Unavailable");

    private final Blocking blocking;
    private final Ec2Clients clients;
    private final String account;
    private final AwsRequestOverrideConfiguration asUs;
    private final Clock clock;

    Ec2ImageCloud(Blocking blocking, Ec2Clients clients, String account, CloudKey key, Clock clock) {
        this.blocking = blocking;
        this.clients = clients;
        this.account = account;
        this.asUs = AwsRequestOverrideConfiguration.builder()
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(key.accessKeyId(), key.secretKey())))
                .build();
        this.clock = clock;
    }

    @Override
    public String cloud() {
        return CloudClients.AWS;
    }

    @Override
    public String account() {
        return account;
    }

    @Override
    public Future<Optional<CloudImage>> find(String region, String imageId) {
        return ask(region, ec2 -> image(ec2, region, imageId));
    }

    @Override
    public Future<List<CloudImage>> ownedBy(String region, String ownerAccount, String productCode) {
        return ask(region, ec2 -> {
            List<CloudImage> owned = new ArrayList<>();
            for (Image image : ec2.describeImagesPaginator(r -> r.overrideConfiguration(asUs)
                            .owners(ownerAccount)
                            .filters(filter("product-code", productCode)))
                    .images()) {
                owned.add(image(region, image, sharedWith(ec2, image)));
            }
            owned.sort(Comparator.comparing(CloudImage::name).thenComparing(CloudImage::id));
            return owned;
        });
    }

    @Override
    public Future<String> copy(String region, String sourceRegion, String sourceImageId, String name, String token) {
        String clientToken = token.length() <= CLIENT_TOKEN_CHARS_MAX ? token : Digests.sha256(token);
        return ask(region, ec2 -> {
            Optional<String> made = madeFor(ec2, clientToken);
            return made.orElseGet(() -> ec2.copyImage(r -> r.overrideConfiguration(asUs)
                            .sourceImageId(sourceImageId)
                            .sourceRegion(sourceRegion)
                            .name(imageName(name))
                            .clientToken(clientToken)
                            .tagSpecifications(t -> t.resourceType(ResourceType.IMAGE)
                                    .tags(Tag.builder()
                                            .key(COPY_TAG)
                                            .value(clientToken)
                                            .build())))
                    .imageId());
        });
    }

    private Optional<String> madeFor(Ec2Client ec2, String clientToken) {
        return ec2
                .describeImages(r ->
                        r.overrideConfiguration(asUs).owners("self").filters(filter("tag:" + COPY_TAG, clientToken)))
                .images()
                .stream()
                .map(Image::imageId)
                .findFirst();
    }

    @Override
    public Future<Void> attachProductCode(String region, String imageId, String productCode) {
        return act(region, ec2 -> {
            CloudImage image = image(ec2, region, imageId).orElseThrow(() -> noImage(imageId));
            if (!image.productCodes().contains(productCode)) {
                throw new ImageCloudException(
                        "no-product-code",
                        imageId + " does not carry " + productCode
                                + ", and only AWS attaches codes: its source must carry it",
                        false,
                        null);
            }
        });
    }

    @Override
    public Future<Void> share(String region, String imageId, Set<String> accounts) {
        return permissions(region, imageId, accounts, (b, p) -> b.add(p));
    }

    @Override
    public Future<Void> unshare(String region, String imageId, Set<String> accounts) {
        return permissions(region, imageId, accounts, (b, p) -> b.remove(p));
    }

    private interface Change {
        LaunchPermissionModifications.Builder put(
                LaunchPermissionModifications.Builder to, List<LaunchPermission> permissions);
    }

    private Future<Void> permissions(String region, String imageId, Set<String> accounts, Change change) {
        List<LaunchPermission> all = new TreeSet<>(accounts)
                .stream().map(a -> LaunchPermission.builder().userId(a).build()).toList();
        return act(region, ec2 -> {
            for (int from = 0; from < all.size(); from += ACCOUNTS_PER_REQUEST) {
                List<LaunchPermission> some = all.subList(from, Math.min(all.size(), from + ACCOUNTS_PER_REQUEST));
                ec2.modifyImageAttribute(r -> r.overrideConfiguration(asUs)
                        .imageId(imageId)
                        .launchPermission(change.put(LaunchPermissionModifications.builder(), some)
                                .build()));
            }
        });
    }

    @Override
    public Future<Void> setPublic(String region, String imageId, boolean everybody) {
        LaunchPermission all =
                LaunchPermission.builder().group(PermissionGroup.ALL).build();
        return act(
                region,
                ec2 -> ec2.modifyImageAttribute(r -> r.overrideConfiguration(asUs)
                        .imageId(imageId)
                        .launchPermission(everybody ? p -> p.add(all) : p -> p.remove(all))));
    }

    @Override
    public Future<Void> delete(String region, String imageId) {
        return act(region, ec2 -> {
            try {
                ec2.deregisterImage(
                        r -> r.overrideConfiguration(asUs).imageId(imageId).deleteAssociatedSnapshots(true));
            } catch (AwsServiceException e) {
                if (!NO_IMAGE.contains(code(e))) {
                    throw e;
                }
            }
        });
    }

    @Override
    public Future<Void> deprecate(String region, String imageId) {
        return act(region, ec2 -> {
            Image image = describe(ec2, imageId).orElseThrow(() -> noImage(imageId));
            // EC2 rounds to minutes and takes no time that has passed.
            Instant soon = clock.instant().truncatedTo(ChronoUnit.MINUTES).plus(Duration.ofMinutes(2));
            if (image.deprecationTime() == null
                    || Instant.parse(image.deprecationTime()).isAfter(soon)) {
                ec2.enableImageDeprecation(
                        r -> r.overrideConfiguration(asUs).imageId(imageId).deprecateAt(soon));
            }
        });
    }

    @Override
    public Future<Optional<CloudVm>> vm(String region, String instanceId) {
        return ask(region, ec2 -> {
            try {
                return ec2
                        .describeInstances(r -> r.overrideConfiguration(asUs).instanceIds(instanceId))
                        .reservations()
                        .stream()
                        .flatMap(r -> r.instances().stream().map(i -> vm(region, r, i)))
                        .findFirst();
            } catch (AwsServiceException e) {
                if (NO_INSTANCE.contains(code(e))) {
                    return Optional.empty();
                }
                throw e;
            }
        });
    }

    @Override
    public Future<List<CloudVm>> running(String region, Set<String> productCodes) {
        List<String> codes = List.copyOf(new TreeSet<>(productCodes));
        return ask(region, ec2 -> {
            // By id: a VM may carry several of the codes.
            Map<String, CloudVm> found = new HashMap<>();
            for (int from = 0; from < codes.size(); from += FILTER_VALUES_MAX) {
                List<String> some = codes.subList(from, Math.min(codes.size(), from + FILTER_VALUES_MAX));
                for (Reservation reservation : ec2.describeInstancesPaginator(r -> r.overrideConfiguration(asUs)
                                .maxResults(PAGE)
                                .filters(filter("instance-state-name", "running"), filter("product-code", some)))
                        .reservations()) {
                    reservation.instances().forEach(i -> found.put(i.instanceId(), vm(region, reservation, i)));
                }
            }
            return List.copyOf(found.values());
        });
    }

    private static CloudVm vm(String region, Reservation reservation, Instance instance) {
        Map<String, String> tags = new HashMap<>();
        instance.tags().forEach(t -> tags.put(t.key(), t.value()));
        return new CloudVm(
                instance.instanceId(),
                reservation.ownerId(),
                region,
                instance.imageId(),
                instance.instanceTypeAsString(),
                instance.state().nameAsString(),
                instance.productCodes().stream().map(ProductCode::productCodeId).toList(),
                tags);
    }

    private Optional<CloudImage> image(Ec2Client ec2, String region, String imageId) {
        return describe(ec2, imageId).map(image -> image(region, image, sharedWith(ec2, image)));
    }

    private Optional<Image> describe(Ec2Client ec2, String imageId) {
        try {
            return ec2.describeImages(r -> r.overrideConfiguration(asUs).imageIds(imageId)).images().stream()
                    .findFirst();
        } catch (AwsServiceException e) {
            if (NO_IMAGE.contains(code(e))) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Only the owner may ask. */
    private Set<String> sharedWith(Ec2Client ec2, Image image) {
        Set<String> accounts = new TreeSet<>();
        if (image.ownerId().equals(account)) {
            ec2
                    .describeImageAttribute(r -> r.overrideConfiguration(asUs)
                            .imageId(image.imageId())
                            .attribute(ImageAttributeName.LAUNCH_PERMISSION))
                    .launchPermissions()
                    .stream()
                    .map(LaunchPermission::userId)
                    .filter(user -> user != null)
                    .forEach(accounts::add);
        }
        return accounts;
    }

    private static CloudImage image(String region, Image image, Set<String> sharedWith) {
        return new CloudImage(
                image.imageId(),
                region,
                image.name() == null ? "" : image.name(),
                image.ownerId(),
                state(image.stateAsString()),
                image.stateReason() == null
                        ? ""
                        : String.valueOf(image.stateReason().message()),
                image.productCodes().stream().map(ProductCode::productCodeId).toList(),
                sharedWith,
                Boolean.TRUE.equals(image.publicLaunchPermissions()),
                Instant.parse(image.creationDate()));
    }

    private static CloudImage.State state(@Nullable String word) {
        return switch (word == null ? "" : word.toLowerCase(Locale.ROOT)) {
            case "available" -> CloudImage.State.AVAILABLE;
            case "pending", "transient" -> CloudImage.State.PENDING;
            default -> CloudImage.State.FAILED;
        };
    }

    /** As EC2 takes names; what it does not take becomes a hyphen. */
    static String imageName(String name) {
        StringBuilder clean = new StringBuilder(name.replaceAll("[^a-zA-Z0-9 ()\\[\\]./'@_\\-]", "-"));
        while (clean.length() < NAME_CHARS_MIN) {
            clean.append('-');
        }
        clean.setLength(Math.min(clean.length(), NAME_CHARS_MAX));
        return clean.toString();
    }

    private static Filter filter(String name, String value) {
        return filter(name, List.of(value));
    }

    private static Filter filter(String name, List<String> values) {
        return Filter.builder().name(name).values(values).build();
    }

    private static ImageCloudException noImage(String imageId) {
        return new ImageCloudException("InvalidAMIID.NotFound", "there is no image " + imageId, false, null);
    }

    private interface Effect {
        void on(Ec2Client ec2);
    }

    private Future<Void> act(String region, Effect effect) {
        return this.<Boolean>ask(region, ec2 -> {
                    effect.on(ec2);
                    return true;
                })
                .mapEmpty();
    }

    private <T> Future<T> ask(String region, Function<Ec2Client, T> question) {
        return blocking.run(() -> {
            try {
                return question.apply(clients.of(region));
            } catch (AwsServiceException e) {
                boolean retryable = e.isThrottlingException() || e.statusCode() >= 500 || RETRYABLE.contains(code(e));
                throw new ImageCloudException(code(e), message(e), retryable, e);
            } catch (SdkException e) {
                throw new ImageCloudException("unreachable", String.valueOf(e.getMessage()), true, e);
            }
        });
    }

    private static String code(AwsServiceException e) {
        String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
        return code == null ? "status-" + e.statusCode() : code;
    }

    private static String message(AwsServiceException e) {
        String message =
                e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorMessage();
        return message == null ? String.valueOf(e.getMessage()) : message;
    }
}
