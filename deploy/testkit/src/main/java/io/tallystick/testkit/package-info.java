@org.jspecify.annotations.NullMarked
package io.tallystick.testkit;
