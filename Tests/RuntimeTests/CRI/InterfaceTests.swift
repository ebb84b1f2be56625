import Testing

@testable import Runtime

/// Every message against the published interface (`runtime.v1` of cri-api v0.36): which fields it has, and of
/// which type. A field that we show must be one of them; those that we leave out are listed by the test, so
/// that leaving out is a decision too.
@Suite struct InterfaceTests {
    @Test func `every field has the number and the type of the published interface`() throws {
        var published: [String: [Int: String]] = [:]
        for line in Self.published.split(separator: "\n") {
            let parts = line.split(separator: ":")
            var fields: [Int: String] = [:]
            for field in parts.count > 1 ? parts[1].split(separator: ",") : [] {
                let words = field.split(separator: " ")
                fields[try #require(Int(words[0]))] = String(words[1])
            }
            published[String(parts[0])] = fields
        }
        #expect(Set(published.keys) == Set(Self.messages.map(\.0)))
        for (name, type) in Self.messages {
            let (shown, all) = (FieldRecorder.fields(of: type), try #require(published[name]))
            for (number, kind) in shown { #expect(all[number] == kind, "\(name), field \(number)") }
            let missing = all.keys.filter { shown[$0] == nil }.sorted()
            #expect(missing == Self.leftOut[name] ?? [], "\(name)")
        }
    }

    private static let messages: [(String, any ProtobufMessage.Type)] = [
        ("PodSandboxMetadata", CRI.PodSandboxMetadata.self),
        ("ContainerMetadata", CRI.ContainerMetadata.self),
        ("ImageSpec", CRI.ImageSpec.self),
        ("LinuxContainerResources", CRI.LinuxContainerResources.self),
        ("HugepageLimit", CRI.HugepageLimit.self),
        ("ContainerConfig", CRI.ContainerConfig.self),
        ("KeyValue", CRI.KeyValue.self),
        ("Mount", CRI.Mount.self),
        ("Device", CRI.Device.self),
        ("CDIDevice", CRI.CDIDevice.self),
        ("LinuxContainerConfig", CRI.LinuxContainerConfig.self),
        ("LinuxContainerSecurityContext", CRI.LinuxContainerSecurityContext.self),
        ("Container", CRI.Container.self),
        ("ContainerStatus", CRI.ContainerStatus.self),
        ("ContainerResources", CRI.ContainerResources.self),
        ("ContainerUser", CRI.ContainerUser.self),
        ("LinuxContainerUser", CRI.LinuxContainerUser.self),
        ("ContainerFilter", CRI.ContainerFilter.self),
        ("Image", CRI.Image.self),
        ("AuthConfig", CRI.AuthConfig.self),
        ("FilesystemUsage", CRI.FilesystemUsage.self),
        ("FilesystemIdentifier", CRI.FilesystemIdentifier.self),
        ("ImageFsInfoResponse", CRI.ImageFilesystems.self),
        ("PodSandboxConfig", CRI.PodSandboxConfig.self),
        ("DNSConfig", CRI.DNSConfig.self),
        ("PortMapping", CRI.PortMapping.self),
        ("LinuxPodSandboxConfig", CRI.LinuxPodSandboxConfig.self),
        ("LinuxSandboxSecurityContext", CRI.LinuxSandboxSecurityContext.self),
        ("PodSandbox", CRI.PodSandbox.self),
        ("PodSandboxStatus", CRI.PodSandboxStatus.self),
        ("PodSandboxNetworkStatus", CRI.PodSandboxNetworkStatus.self),
        ("PodIP", CRI.PodIP.self),
        ("LinuxPodSandboxStatus", CRI.LinuxPodSandboxStatus.self),
        ("Namespace", CRI.LinuxPodSandboxStatus.Namespace.self),
        ("PodSandboxFilter", CRI.PodSandboxFilter.self),
        ("VersionResponse", CRI.Version.self),
        ("RuntimeStatus", CRI.RuntimeStatus.self),
        ("RuntimeCondition", CRI.RuntimeCondition.self),
        ("RuntimeHandler", CRI.RuntimeHandler.self),
        ("RuntimeHandlerFeatures", CRI.RuntimeHandler.Features.self),
        ("StatusResponse", CRI.StatusResponse.self),
        ("RuntimeConfigResponse", CRI.RuntimeConfigResponse.self),
        ("LinuxRuntimeConfiguration", CRI.LinuxRuntimeConfiguration.self),
        ("ExecSyncResponse", CRI.ExecSyncResponse.self),
        ("NamespaceOption", CRI.NamespaceOption.self),
        ("UserNamespace", CRI.UserNamespace.self),
        ("IDMapping", CRI.IDMapping.self),
        ("SecurityProfile", CRI.SecurityProfile.self),
        ("SELinuxOption", CRI.SELinuxOption.self),
        ("Capability", CRI.Capability.self),
        ("ContainerStats", CRI.ContainerStats.self),
        ("ContainerAttributes", CRI.ContainerAttributes.self),
        ("CpuUsage", CRI.CPUUsage.self),
        ("MemoryUsage", CRI.MemoryUsage.self),
        ("SwapUsage", CRI.SwapUsage.self),
        ("ContainerStatsFilter", CRI.ContainerStatsFilter.self),
        ("PodSandboxStats", CRI.PodSandboxStats.self),
        ("PodSandboxAttributes", CRI.PodSandboxAttributes.self),
        ("LinuxPodSandboxStats", CRI.LinuxPodSandboxStats.self),
        ("NetworkUsage", CRI.NetworkUsage.self),
        ("NetworkInterfaceUsage", CRI.NetworkInterfaceUsage.self),
        ("ProcessUsage", CRI.ProcessUsage.self),
        ("RunPodSandboxRequest", RunPodSandboxRequest.self),
        ("CreateContainerRequest", CreateContainerRequest.self),
        ("StopContainerRequest", StopContainerRequest.self),
        ("CheckpointContainerRequest", CheckpointContainerRequest.self),
        ("UpdateContainerResourcesRequest", UpdateContainerResourcesRequest.self),
        ("ExecSyncRequest", ExecSyncRequest.self),
        ("ExecRequest", ExecRequest.self),
        ("AttachRequest", AttachRequest.self),
        ("PullImageRequest", PullImageRequest.self),
        ("ContainerEventResponse", CRI.ContainerEventResponse.self),
    ]

    private static let leftOut: [String: [Int]] = [
        // Deprecated, each with a successor.
        "LinuxContainerSecurityContext": [9, 10], "LinuxSandboxSecurityContext": [7],
        // For people; features that no kubelet of ours asks for.
        "StatusResponse": [2],
        // Pressure stall information.
        "ContainerStats": [6], "CpuUsage": [4], "MemoryUsage": [8], "LinuxPodSandboxStats": [6],
        // Looked up when it is wanted.
        "ContainerEventResponse": [3, 4, 5],
    ]

    /// Without the fields for Windows. `integer` is every varint that is neither a truth value nor a choice.
    private static let published = """
        PodSandboxMetadata: 1 string, 2 string, 3 string, 4 integer
        ContainerMetadata: 1 string, 2 integer
        ImageSpec: 1 string, 2 map, 18 string, 19 string, 20 string
        LinuxContainerResources: 1 integer, 2 integer, 3 integer, 4 integer, 5 integer, 6 string, 7 \
        string, 8 messages, 9 map, 10 integer
        HugepageLimit: 1 string, 2 integer
        ContainerConfig: 1 message, 2 message, 3 strings, 4 strings, 5 string, 6 messages, 7 messages, 8 \
        messages, 9 map, 10 map, 11 string, 12 bool, 13 bool, 14 bool, 15 message, 17 messages, 18 \
        choice
        KeyValue: 1 string, 2 bytes
        Mount: 1 string, 2 string, 3 bool, 4 bool, 5 choice, 6 messages, 7 messages, 8 bool, 9 message, \
        10 string
        Device: 1 string, 2 string, 3 string
        CDIDevice: 1 string
        LinuxContainerConfig: 1 message, 2 message
        LinuxContainerSecurityContext: 1 message, 2 bool, 3 message, 4 message, 5 message, 6 string, 7 \
        bool, 8 integers, 9 string, 10 string, 11 bool, 12 message, 13 strings, 14 strings, 15 message, \
        16 message, 17 choice
        Container: 1 string, 2 string, 3 message, 4 message, 5 string, 6 choice, 7 integer, 8 map, 9 \
        map, 10 string
        ContainerStatus: 1 string, 2 message, 3 choice, 4 integer, 5 integer, 6 integer, 7 integer, 8 \
        message, 9 string, 10 string, 11 string, 12 map, 13 map, 14 messages, 15 string, 16 message, 17 \
        string, 18 message, 19 choice
        ContainerResources: 1 message
        ContainerUser: 1 message
        LinuxContainerUser: 1 integer, 2 integer, 3 integers
        ContainerFilter: 1 string, 2 message, 3 string, 4 map
        Image: 1 string, 2 strings, 3 strings, 4 integer, 5 message, 6 string, 7 message, 8 bool
        AuthConfig: 1 string, 2 string, 3 string, 4 string, 5 string, 6 string
        FilesystemUsage: 1 integer, 2 message, 3 message, 4 message
        FilesystemIdentifier: 1 string
        ImageFsInfoResponse: 1 messages, 2 messages
        PodSandboxConfig: 1 message, 2 string, 3 string, 4 message, 5 messages, 6 map, 7 map, 8 message
        DNSConfig: 1 strings, 2 strings, 3 strings
        PortMapping: 1 choice, 2 integer, 3 integer, 4 string
        LinuxPodSandboxConfig: 1 string, 2 message, 3 map, 4 message, 5 message
        LinuxSandboxSecurityContext: 1 message, 2 message, 3 message, 4 bool, 5 integers, 6 bool, 7 \
        string, 8 message, 9 message, 10 message, 11 choice
        PodSandbox: 1 string, 2 message, 3 choice, 4 integer, 5 map, 6 map, 7 string
        PodSandboxStatus: 1 string, 2 message, 3 choice, 4 integer, 5 message, 6 message, 7 map, 8 map, \
        9 string
        PodSandboxNetworkStatus: 1 string, 2 messages
        PodIP: 1 string
        LinuxPodSandboxStatus: 1 message
        RuntimeConfigResponse: 1 message
        LinuxRuntimeConfiguration: 1 choice
        Namespace: 2 message
        PodSandboxFilter: 1 string, 2 message, 3 map
        VersionResponse: 1 string, 2 string, 3 string, 4 string
        RuntimeStatus: 1 messages
        RuntimeCondition: 1 string, 2 bool, 3 string, 4 string
        RuntimeHandler: 1 string, 2 message
        RuntimeHandlerFeatures: 1 bool, 2 bool
        StatusResponse: 1 message, 2 map, 3 messages, 4 message
        ExecSyncResponse: 1 bytes, 2 bytes, 3 integer
        NamespaceOption: 1 choice, 2 choice, 3 choice, 4 string, 5 message
        UserNamespace: 1 choice, 2 messages, 3 messages
        IDMapping: 1 integer, 2 integer, 3 integer
        SecurityProfile: 1 choice, 2 string
        SELinuxOption: 1 string, 2 string, 3 string, 4 string
        Capability: 1 strings, 2 strings, 3 strings
        ContainerStats: 1 message, 2 message, 3 message, 4 message, 5 message, 6 message
        ContainerAttributes: 1 string, 2 message, 3 map, 4 map
        CpuUsage: 1 integer, 2 message, 3 message, 4 message
        MemoryUsage: 1 integer, 2 message, 3 message, 4 message, 5 message, 6 message, 7 message, 8 \
        message
        SwapUsage: 1 integer, 2 message, 3 message
        ContainerStatsFilter: 1 string, 2 string, 3 map
        PodSandboxStats: 1 message, 2 message
        PodSandboxAttributes: 1 string, 2 message, 3 map, 4 map
        LinuxPodSandboxStats: 1 message, 2 message, 3 message, 4 message, 5 messages, 6 message
        NetworkUsage: 1 integer, 2 message, 3 messages
        NetworkInterfaceUsage: 1 string, 2 message, 3 message, 4 message, 5 message
        ProcessUsage: 1 integer, 2 message
        RunPodSandboxRequest: 1 message, 2 string
        CreateContainerRequest: 1 string, 2 message, 3 message
        StopContainerRequest: 1 string, 2 integer
        CheckpointContainerRequest: 1 string, 2 string, 3 integer
        UpdateContainerResourcesRequest: 1 string, 2 message, 4 map
        ExecSyncRequest: 1 string, 2 strings, 3 integer
        ExecRequest: 1 string, 2 strings, 3 bool, 4 bool, 5 bool, 6 bool
        AttachRequest: 1 string, 2 bool, 3 bool, 4 bool, 5 bool
        PullImageRequest: 1 message, 2 message, 3 message
        ContainerEventResponse: 1 string, 2 choice, 3 integer, 4 message, 5 messages
        """
}

/// Notes what a message shows.
struct FieldRecorder: ProtobufFields {
    private var kinds: [Int: String] = [:]

    static func fields(of type: any ProtobufMessage.Type) -> [Int: String] {
        func record<M: ProtobufMessage>(_ type: M.Type) -> [Int: String] {
            var (message, recorder) = (M(), FieldRecorder())
            message.visit(&recorder)
            return recorder.kinds
        }
        return record(type)
    }

    private mutating func note(_ number: Int, _ kind: String) {
        #expect(kinds[number] == nil, "field \(number) is shown twice")
        kinds[number] = kind
    }

    mutating func string(_ number: Int, _ value: inout String) { note(number, "string") }
    mutating func bytes(_ number: Int, _ value: inout [UInt8]) { note(number, "bytes") }
    mutating func bool(_ number: Int, _ value: inout Bool) { note(number, "bool") }
    mutating func strings(_ number: Int, _ values: inout [String]) { note(number, "strings") }
    mutating func map(_ number: Int, _ values: inout [String: String]) { note(number, "map") }

    mutating func integer<I: FixedWidthInteger>(_ number: Int, _ value: inout I) { note(number, "integer") }
    mutating func integers<I: FixedWidthInteger>(_ number: Int, _ values: inout [I]) {
        note(number, "integers")
    }
    mutating func choice<E: RawRepresentable>(_ number: Int, _ value: inout E) where E.RawValue == Int32 {
        note(number, "choice")
    }
    mutating func message<M: ProtobufMessage>(_ number: Int, _ value: inout M?) { note(number, "message") }
    mutating func messages<M: ProtobufMessage>(_ number: Int, _ values: inout [M]) {
        note(number, "messages")
    }
}
