import Support

/// Who runs the containers of a node, and how: the options about the container runtime.
public struct RuntimeConfiguration: Hashable, Sendable {
    /// `--container-runtime-endpoint`: the path of the socket of a runtime that somebody else runs; `nil` for containerd, which
    /// is started then.
    public var endpoint: String?
    /// `--docker`: the path of the socket of the Docker that runs the containers; `nil` without it. With it
    /// `--container-runtime-endpoint` names this socket.
    public var docker: String?
    /// `--image-service-endpoint`: the path of the socket of who has the images, when that is not the runtime.
    public var imageEndpoint: String?
    /// `--default-runtime`: by name, for pods that ask for none.
    public var defaultRuntime: String?
    /// Whether there is no runtime on purpose, and so no node (`--container-runtime-endpoint=/dev/null`).
    public var isAbsent: Bool

    init(_ values: OptionValues) throws(Fault) {
        let asked = values.text("container-runtime-endpoint").flatMap { $0.isEmpty ? nil : $0 }
        isAbsent = asked == "/dev/null"
        let path = try isAbsent ? nil : asked.map { text throws(Fault) in try Self.path(text, "container-runtime-endpoint") }
        let isDocker = values.flag("docker")
        endpoint = isDocker ? nil : path
        docker = isDocker && !isAbsent ? path ?? "/var/run/docker.sock" : nil
        imageEndpoint = try values.text("image-service-endpoint").flatMap { $0.isEmpty ? nil : $0 }
            .map { text throws(Fault) in try Self.path(text, "image-service-endpoint") }
        defaultRuntime = values.text("default-runtime").flatMap { $0.isEmpty ? nil : $0 }
        if endpoint != nil || docker != nil, let defaultRuntime {
            throw Fault(
                .invalid, "--default-runtime \(defaultRuntime) is for the containerd that is started here, and not for "
                    + (docker == nil ? "--container-runtime-endpoint" : "--docker"),
                remedy: "configure that runtime itself")
        }
    }

    /// The path in an endpoint, which is one or begins with `unix://`.
    private static func path(_ endpoint: String, _ flag: String) throws(Fault) -> String {
        let path = endpoint.hasPrefix("unix://") ? String(endpoint.dropFirst(7)) : endpoint
        guard path.hasPrefix("/"), path.utf8.count > 1 else {
            throw Fault(
                .invalid, "--\(flag) \(endpoint) is no Unix socket",
                remedy: "name one by its path, such as unix:///run/containerd/containerd.sock")
        }
        return path
    }

    static let options = [
        Option("docker", .flag, help: "(agent/runtime) Have Docker run the containers", standard: "false"),
        Option(
            "container-runtime-endpoint", help: "(agent/runtime) Socket of a container runtime that somebody else runs"),
        Option("image-service-endpoint", help: "(agent/runtime) Socket of its images, where that is another"),
        Option("default-runtime", help: "(agent/runtime) Runtime of containerd for pods that name none"),
    ]
}
