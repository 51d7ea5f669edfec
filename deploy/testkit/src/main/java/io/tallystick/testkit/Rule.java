package io.tallystick.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the marketplace rules that a test proves, by their numbers: {@code @Rule({"R11", "O16"})}. From these
 * docs/marketplace-rules.md is made; a rule that no test names fails the build.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.SOURCE)
public @interface Rule {
    String[] value();
}
