/** The border to HTTP: strict JSON, problem documents, limits, headers and the request log. */
@NullMarked
package dev.tenon.server.http;

import org.jspecify.annotations.NullMarked;
