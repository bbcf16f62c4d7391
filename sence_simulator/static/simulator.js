const answer = document.querySelector("form[data-auto-submit]");
if (answer) answer.submit();
