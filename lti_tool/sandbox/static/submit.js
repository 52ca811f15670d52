// Posts the one form of a page that only passes the browser on.
document.querySelector("form[data-passes-on]").submit();
