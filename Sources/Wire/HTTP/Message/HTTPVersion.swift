/// The version of HTTP a message travelled in.
public enum HTTPVersion: String, Hashable, Sendable, CustomStringConvertible {
    case http1_0 = "HTTP/1.0"
    case http1_1 = "HTTP/1.1"
    case http2 = "HTTP/2.0"

    public var description: String { rawValue }
}
