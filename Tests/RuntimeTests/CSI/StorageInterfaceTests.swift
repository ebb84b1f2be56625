import Testing

@testable import Runtime

/// The messages to drivers and plug-ins against the published interfaces (`csi.v1`, `pluginregistration`). All fields
/// are shown but those of what only a controller is asked.
@Suite struct StorageInterfaceTests {
    @Test func `every field has the number and the type of the published interface`() throws {
        var published: [String: [Int: String]] = [:]
        for line in Self.published.split(separator: "\n") {
            let parts = line.split(separator: ":")
            for field in parts[1].split(separator: ",") {
                let words = field.split(separator: " ")
                published[String(parts[0]), default: [:]][try #require(Int(words[0]))] = String(words[1])
            }
        }
        #expect(Set(published.keys) == Set(Self.messages.map(\.0)))
        for (name, type) in Self.messages {
            #expect(FieldRecorder.fields(of: type) == published[name], "\(name)")
        }
    }

    private static let messages: [(String, any ProtobufMessage.Type)] = [
        ("VolumeCapability", CSI.VolumeCapability.self), ("MountVolume", CSI.VolumeCapability.Mount.self),
        ("AccessMode", CSI.VolumeCapability.AccessModeBox.self), ("NodeGetInfoResponse", CSI.NodeInfo.self),
        ("Topology", CSI.Topology.self), ("VolumeUsage", CSI.VolumeUsage.self),
        ("VolumeCondition", CSI.VolumeCondition.self), ("CapacityRange", CSI.CapacityRange.self),
        ("NodeStageVolumeRequest", CSI.NodeStageVolumeRequest.self),
        ("NodePublishVolumeRequest", CSI.NodePublishVolumeRequest.self),
        ("NodeExpandVolumeRequest", CSI.NodeExpandVolumeRequest.self),
        ("NodeExpandVolumeResponse", ExpandedVolume.self),
        ("NodeUnstageVolumeRequest", LeavingVolume.self), ("NodeUnpublishVolumeRequest", LeavingVolume.self),
        ("NodeGetVolumeStatsRequest", CSI.NodeGetVolumeStatsRequest.self),
        ("NodeGetVolumeStatsResponse", CSI.NodeGetVolumeStatsResponse.self),
        ("NodeServiceCapability", NodeServiceCapability.self), ("RPC", NodeServiceCapability.Procedure.self),
        ("PluginInfo", PluginInfo.self), ("RegistrationStatus", RegistrationStatus.self),
    ]

    private static let published = """
        VolumeCapability: 1 message, 2 message, 3 message
        MountVolume: 1 string, 2 strings, 3 string
        AccessMode: 1 choice
        NodeGetInfoResponse: 1 string, 2 integer, 3 message
        Topology: 1 map
        VolumeUsage: 1 integer, 2 integer, 3 integer, 4 choice
        VolumeCondition: 1 bool, 2 string
        CapacityRange: 1 integer, 2 integer
        NodeStageVolumeRequest: 1 string, 2 map, 3 string, 4 message, 5 map, 6 map
        NodePublishVolumeRequest: 1 string, 2 map, 3 string, 4 string, 5 message, 6 bool, 7 map, 8 map
        NodeExpandVolumeRequest: 1 string, 2 string, 3 message, 4 string, 5 message, 6 map
        NodeExpandVolumeResponse: 1 integer
        NodeUnstageVolumeRequest: 1 string, 2 string
        NodeUnpublishVolumeRequest: 1 string, 2 string
        NodeGetVolumeStatsRequest: 1 string, 2 string, 3 string
        NodeGetVolumeStatsResponse: 1 messages, 2 message
        NodeServiceCapability: 1 message
        RPC: 1 choice
        PluginInfo: 1 string, 2 string, 3 string, 4 strings
        RegistrationStatus: 1 bool, 2 string
        """
}
