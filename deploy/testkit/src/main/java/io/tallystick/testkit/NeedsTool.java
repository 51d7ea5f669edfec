package io.tallystick.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Says that a test needs programs on the PATH; {@code root} and {@code user} stand for running as root or not,
 * {@code advisories} for a database of advisories named by the environment variable {@code TALLYSTICK_ADVISORIES}, {@code ec2}
 * for a server with EC2's API named by {@code TALLYSTICK_EC2_ENDPOINT}. Where one is missing the test does not run and the
 * final summary says so ({@link NotRunSummary}); where the environment variable {@code TALLYSTICK_REQUIRE} (a comma list)
 * names the missing one, the test fails instead.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(ToolCondition.class)
public @interface NeedsTool {
    String[] value();
}
