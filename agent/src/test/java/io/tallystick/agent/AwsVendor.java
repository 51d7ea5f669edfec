package io.tallystick.agent;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.marketplacemetering.MarketplaceMeteringClient;
import software.amazon.awssdk.services.marketplacemetering.model.MarketplaceMeteringException;
import software.amazon.awssdk.services.marketplacemetering.model.MeterUsageRequest;
import software.amazon.awssdk.services.marketplacemetering.model.RegisterUsageResponse;
import software.amazon.awssdk.services.marketplacemetering.model.Tag;
import software.amazon.awssdk.services.marketplacemetering.model.UsageAllocation;

/**
 * Software as a vendor wrote it for AWS Marketplace, knowing nothing of Tallystick: AWS's own client, with its defaults.
 * A program of its own, so that its environment is all that tells it where to call. Each argument is one call.
 */
final class AwsVendor {
    /** What each answer's line starts with. */
    static final String ANSWER = "answer: ";

    private AwsVendor() {}

    public static void main(String[] args) {
        try (MarketplaceMeteringClient client = MarketplaceMeteringClient.create()) {
            for (String arg : args) {
                System.out.println(ANSWER + answer(client, List.of(arg.split(" "))));
            }
        }
    }

    /** The record id or signature, or the class of the SDK's exception, the error's code, status and attempts. */
    private static String answer(MarketplaceMeteringClient client, List<String> call) {
        try {
            if (call.get(0).equals("register")) {
                RegisterUsageResponse r = client.registerUsage(b -> b.productCode(call.get(1))
                        .publicKeyVersion(Integer.valueOf(call.get(2)))
                        .nonce(call.get(3)));
                return r.signature() + " " + r.publicKeyRotationTimestamp();
            }
            return client.meterUsage(meter(call)).meteringRecordId();
        } catch (MarketplaceMeteringException e) {
            return e.getClass().getSimpleName() + " " + e.awsErrorDetails().errorCode() + " " + e.statusCode() + " "
                    + (e.requestId() == null ? "no-request-id" : "request-id") + " " + e.numAttempts();
        } catch (SdkException e) {
            return e.toString();
        }
    }

    /** meter CODE SECOND DIMENSION QUANTITY [dry-run] [token=T] [part=QUANTITY:KEY:VALUE]… */
    private static MeterUsageRequest meter(List<String> call) {
        MeterUsageRequest.Builder b = MeterUsageRequest.builder()
                .productCode(call.get(1))
                .timestamp(Instant.ofEpochSecond(Long.parseLong(call.get(2))).plusMillis(789))
                .usageDimension(call.get(3))
                .usageQuantity(Integer.valueOf(call.get(4)));
        List<String> more = call.subList(5, call.size());
        if (more.contains("dry-run")) {
            b.dryRun(true);
        }
        more.stream().filter(m -> m.startsWith("token=")).forEach(m -> b.clientToken(m.substring("token=".length())));
        List<UsageAllocation> parts = more.stream()
                .filter(m -> m.startsWith("part="))
                .map(m -> part(m.substring("part=".length()).split(":", -1)))
                .toList();
        if (!parts.isEmpty()) {
            b.usageAllocations(parts);
        }
        return b.build();
    }

    private static UsageAllocation part(String[] p) {
        UsageAllocation.Builder b = UsageAllocation.builder().allocatedUsageQuantity(Integer.valueOf(p[0]));
        if (p.length == 3) {
            b.tags(List.copyOf(Arrays.asList(Tag.builder().key(p[1]).value(p[2]).build())));
        }
        return b.build();
    }
}
