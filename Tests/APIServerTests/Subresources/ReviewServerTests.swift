import APIMachinery
import Client
import Testing
import Wire

@testable import APIServer

/// Reviews through the front door.
@Suite(.timeLimit(.minutes(5))) struct ReviewServerTests {
    private static let everything: [Value] = [
        ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]], ["nonResourceURLs": ["/metrics"], "verbs": ["get"]],
    ]

    @Test func `reviews are answered in the status`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("asker", rules: Self.everything)
            func ask(_ path: String, _ kind: String, _ body: Value) async throws -> (code: Int, answer: Value) {
                var body = body
                let group = path.contains("token") ? "authentication" : "authorization"
                body["apiVersion"] = .string(group + ".k8s.io/v1")
                body["kind"] = .string(kind)
                let target = "/apis/\(group).k8s.io/v1/" + path
                let answer = try await api.ask(.post, target, token: token, body: body)
                return (answer.code, try Value(json: Array(answer.text.utf8)))
            }
            let asker: Value = "system:serviceaccount:default:asker"
            let local = try await ask(
                "namespaces/a/localsubjectaccessreviews", "LocalSubjectAccessReview",
                ["spec": ["user": asker, "resourceAttributes": ["namespace": "a", "verb": "get", "resource": "pods"]]])
            #expect(local.code == 201 && local.answer.at("status", "allowed") == true)
            let elsewhere = try await ask(
                "namespaces/a/localsubjectaccessreviews", "LocalSubjectAccessReview",
                ["spec": ["user": asker, "resourceAttributes": ["namespace": "b", "verb": "get", "resource": "pods"]]])
            #expect(elsewhere.code == 422)
            let selecting = try await ask(
                "subjectaccessreviews", "SubjectAccessReview",
                [
                    "spec": [
                        "user": "system:node:n1", "groups": ["system:nodes"],
                        "resourceAttributes": [
                            "verb": "list", "resource": "pods", "fieldSelector": ["rawSelector": "spec.nodeName=n1"],
                        ],
                    ]
                ])
            #expect(selecting.answer.at("status", "allowed") == true)
            let rules = try await ask("selfsubjectrulesreviews", "SelfSubjectRulesReview", ["spec": ["namespace": "a"]])
            #expect(rules.answer.at("status", "incomplete") == false)
            #expect(
                rules.answer.at("status", "nonResourceRules")?.array?.contains(
                    ["verbs": ["get"], "nonResourceURLs": ["/metrics"]]) == true)
            let own = try await ask("tokenreviews", "TokenReview", ["spec": ["token": .string(token)]])
            #expect(own.answer.at("status", "authenticated") == true)
            let foreign = try await ask(
                "tokenreviews", "TokenReview", ["spec": ["token": .string(token), "audiences": ["else"]]])
            #expect(foreign.answer.at("status", "authenticated") == nil)
        }
    }
}
