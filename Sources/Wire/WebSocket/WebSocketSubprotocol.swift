/// The names of WebSocket subprotocols that Kubernetes speaks.
public enum WebSocketSubprotocol {
    /// Remote commands on numbered channels; a plain text tells what went wrong.
    public static let channel = "channel.k8s.io"
    /// The same with every message as text: a digit for the channel, then Base64.
    public static let base64Channel = "base64.channel.k8s.io"
    /// As ``channel``; a `Status` object tells what went wrong.
    public static let channelV4 = "v4.channel.k8s.io"
    public static let base64ChannelV4 = "v4.base64.channel.k8s.io"
    /// As ``channelV4``, and a channel can be closed alone (KEP-4006).
    public static let channelV5 = "v5.channel.k8s.io"
    /// SPDY/3.1 inside binary messages, for port forwarding (KEP-4006).
    public static let tunneledPortForward = "SPDY/3.1+portforward.k8s.io"
    /// A log or a watch as binary messages, and the same in Base64.
    public static let binary = "binary.k8s.io"
    public static let base64Binary = "base64.binary.k8s.io"
}
