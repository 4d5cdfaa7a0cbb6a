from setuptools import find_packages, setup

XET = "hub-xet>=1.2.0,<2.0.0"  # é

install_requires = [
    "click>=8.4.2,<9.0.0",  # 8.4.0 shipped a broken completion script
    "filelock>=3.10.0",
    f"{XET}; platform_machine=='x86_64' or platform_machine=='aarch64'",
    "pyyaml>=5.1",
    "regex!=2019.12.17",
    "tomli; python_version < '3.11'",
]

setup(
    name="hub_client",
    version="2.4.0",
    package_dir={"": "src"},
    packages=find_packages("src"),
    install_requires=install_requires,
    entry_points={
        "console_scripts": ["hub=hub_client.cli:main", "Hub-Agents=hub_client.agents:main"],
        "fsspec.specs": ["hub=hub_client.fs:HubFileSystem"],
    },
)
