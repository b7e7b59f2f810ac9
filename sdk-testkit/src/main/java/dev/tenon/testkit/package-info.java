/** What proves engines, deliveries and stores: contract tests, fakes and fault injection. */
@NullMarked
package dev.tenon.testkit;

import org.jspecify.annotations.NullMarked;
