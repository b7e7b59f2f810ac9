/**
 * Who calls and what they may reach: local accounts, logins, sessions and the one place that decides. Knows nothing of single
 * routes.
 */
@NullMarked
package dev.tenon.server.auth;

import org.jspecify.annotations.NullMarked;
