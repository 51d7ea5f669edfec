package io.tallystick.aggregator.account;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Map;
import java.util.regex.Pattern;

/** An account at a cloud, by which an instance's owner is found. */
public record CloudAccount(String cloud, String accountId) implements Comparable<CloudAccount> {
    private static final Pattern CLOUD = Pattern.compile("[a-z][a-z0-9-]{0,31}");
    private static final Pattern ACCOUNT = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    public CloudAccount {
        checkCloud(cloud);
        checkAccountId(accountId);
    }

    private static String checkCloud(String cloud) {
        if (!CLOUD.matcher(cloud).matches()) {
            throw new IllegalArgumentException("must be a cloud's name such as aws or outscale");
        }
        return cloud;
    }

    private static String checkAccountId(String accountId) {
        if (!ACCOUNT.matcher(accountId).matches()) {
            throw new IllegalArgumentException("must have 1 to 64 letters, digits, dots, hyphens or underscores");
        }
        return accountId;
    }

    /** Reads {@code cloud} and {@code accountId}. */
    public static CloudAccount read(Fields in) {
        String cloud = in.parsed("cloud", CloudAccount::checkCloud, "none");
        String accountId = in.parsed("accountId", CloudAccount::checkAccountId, "none");
        return new CloudAccount(cloud, accountId);
    }

    public Map<String, Object> json() {
        return Json.object("cloud", cloud, "accountId", accountId);
    }

    @Override
    public int compareTo(CloudAccount other) {
        int byCloud = cloud.compareTo(other.cloud);
        return byCloud != 0 ? byCloud : accountId.compareTo(other.accountId);
    }
}
