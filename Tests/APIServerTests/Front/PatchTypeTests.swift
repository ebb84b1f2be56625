import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

/// Which forms of patch there are.
@Suite(.timeLimit(.minutes(2))) struct PatchTypeTests {
    private static let every = Patch.mediaTypes.joined(separator: ", ")
    private static let custom = Patch.mediaTypes.filter { !$0.contains("strategic") }.joined(separator: ", ")

    @Test(arguments: [
        ("application/merge-patch+json", false, true), ("application/apply-patch+yaml", true, true),
        ("application/strategic-merge-patch+json", false, true), ("application/json-patch+json", true, true),
        ("application/strategic-merge-patch+json", true, false), ("application/apply-patch+json", false, false),
        ("application/json", false, false), ("", true, false),
    ])
    func `custom resources have no strategic merge, and nobody has any other form`(
        type: String, isCustom: Bool, isKnown: Bool
    ) throws {
        guard !isKnown else { return try Patch.check(type, isCustom: isCustom) }
        let refusal = #expect(throws: Status.self) { try Patch.check(type, isCustom: isCustom) }
        #expect(refusal?.code == 415)
        let (message, types) = (refusal?.message ?? "", isCustom ? Self.custom : Self.every)
        #expect(message.hasSuffix("accepted media types include: " + types), "\(message)")
    }

    @Test func `the form is looked at before the options`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token(
                "writer", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            let path = "/api/v1/namespaces/default/configmaps/a?fieldManager=j&force=true"
            for (type, code) in [("application/apply-patch+json", 415), ("application/merge-patch+json", 422)] {
                let answer = try await api.ask(
                    .patch, path, token: token, headers: ["Content-Type": type], body: ["data": [:]])
                #expect(answer.code == code, "\(type): \(answer.text)")
            }
        }
    }
}
