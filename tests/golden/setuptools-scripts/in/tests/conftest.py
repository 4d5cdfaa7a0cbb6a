import hub_client
