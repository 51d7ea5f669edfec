package io.tallystick.common.model;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Names one proved instance: the first 128 bits of SHA-256 over the length-prefixed cloud, account and instance, so
 * that "the first key wins" is a primary-key conflict and no two triples can be made to collide by moving a separator.
 * Written {@code enr-} and 32 hex digits; stored as a 16-byte {@code uuid}.
 */
public record EnrollmentId(UUID uuid) implements Comparable<EnrollmentId> {
    private static final Pattern FORM = Pattern.compile("enr-[0-9a-f]{32}");
    private static final String DOMAIN = "tallystick-enrollment-1";

    /** The id of this instance; the same triple always gives the same id. */
    public static EnrollmentId of(String cloud, String account, String instance) {
        ByteArrayOutputStream in = new ByteArrayOutputStream();
        for (String part : new String[] {DOMAIN, cloud, account, instance}) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            in.writeBytes(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
            in.writeBytes(bytes);
        }
        ByteBuffer hash = ByteBuffer.wrap(Hash.of(in.toByteArray()).bytes());
        return new EnrollmentId(new UUID(hash.getLong(), hash.getLong()));
    }

    public static EnrollmentId parse(String text) {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException("must be enr- and 32 hex digits");
        }
        return new EnrollmentId(new UUID(
                Long.parseUnsignedLong(text.substring(4, 20), 16), Long.parseUnsignedLong(text.substring(20), 16)));
    }

    /** Unsigned byte order, the order PostgreSQL sorts {@code uuid} in: locks are taken in it. */
    @Override
    public int compareTo(EnrollmentId other) {
        int high = Long.compareUnsigned(uuid.getMostSignificantBits(), other.uuid.getMostSignificantBits());
        return high != 0
                ? high
                : Long.compareUnsigned(uuid.getLeastSignificantBits(), other.uuid.getLeastSignificantBits());
    }

    @Override
    public String toString() {
        return "enr-" + uuid.toString().replace("-", "");
    }
}
